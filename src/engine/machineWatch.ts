import { networkInterfaces } from 'node:os';

/**
 * Tells when this machine may reach others otherwise than before: it has woken up, or its addresses have
 * changed. Looked at now and then, because Node is told of neither.
 */

const LOOK_EVERY_MS = 10_000;
/** A look that comes so much later than it should: the machine has slept. */
const SLEPT_MS = 20_000;

/** Calls `onChange` after each change, until the returned function is called. Keeps no process alive. */
export function watchMachine(onChange: () => void): () => void {
  let lookedAt = Date.now();
  let addresses = addressesNow();
  const timer = setInterval(() => {
    // The wall clock: the other one stands still while some systems sleep.
    const now = Date.now();
    const current = addressesNow();
    const hasChanged = now - lookedAt > LOOK_EVERY_MS + SLEPT_MS || current !== addresses;
    lookedAt = now;
    addresses = current;
    if (hasChanged) onChange();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function addressesNow(): string {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address)
    .toSorted()
    .join();
}
