import { createHash, createHmac } from 'node:crypto';
import type { Hashing } from '../base/hashing.ts';

/** SHA-256 by Node's own crypto, whichever library stands behind it. */
export const nodeHashing: Hashing = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  startSha256() {
    const hash = createHash('sha256');
    return {
      update: (bytes) => void hash.update(bytes),
      digest: () => hash.digest(),
    };
  },
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
};
