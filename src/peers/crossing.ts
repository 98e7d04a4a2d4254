import type { Fingerprint } from './fingerprint.ts';

/**
 * Two devices may dial each other at the same moment, about the same thing. Both see both connections, and both must
 * let the same one go on: the one that was dialled by the device whose fingerprint comes first.
 *
 * Whether a connection of `dialler` to `listener` is the one that goes on when they cross.
 */
export function goesOnWhenCrossed(dialler: Fingerprint, listener: Fingerprint): boolean {
  return dialler < listener;
}
