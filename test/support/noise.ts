import { createCipheriv } from 'node:crypto';

/** Bytes that nothing compresses, the same for the same seed (0 to 255). */
export function noise(sizeBytes: number, seed: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(new Uint8Array(sizeBytes));
}
