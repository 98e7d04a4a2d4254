import { createHash, createHmac, hash } from 'node:crypto';
import type { Hashing } from '../base/hashing.ts';

/** SHA-256 by Node's own crypto, whichever library stands behind it. */
export const nodeHashing: Hashing = {
  // As text, each character a byte: a buffer of its own for 32 bytes takes longer than to hash a small file.
  sha256: (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'binary'),
  startSha256() {
    const incremental = createHash('sha256');
    return {
      update: (bytes) => void incremental.update(bytes),
      digest: () => incremental.digest(),
    };
  },
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
};
