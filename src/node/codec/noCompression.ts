import type { Compression } from '../../transfer/ports.ts';
import { createCompression } from './zlibCompression.ts';

/**
 * For who wants no compression. It announces no codec, so the peer sends everything as it is, and we, having
 * none in common with anybody, do the same.
 */
export const noCompression: Compression = createCompression([]);
