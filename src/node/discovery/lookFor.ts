import { silentLogger } from '../../base/logger.ts';
import { AsyncQueue } from '../../base/queue.ts';
import { formatAddress } from '../../peers/address.ts';
import type { Address } from '../../peers/address.ts';
import { backgroundClock } from '../clock.ts';
import { Discovery } from './discovery.ts';

/** Whoever is there has answered by then: they take a tenth of a second, and a second question follows the first. */
const LOOK_MS = 2500;
/** A neighbour has a few addresses, a network some hundred neighbours. */
const MOST_PLACES = 256;

/** Where somebody is announced on the local networks: each place once, as it is heard, for a short while. */
export async function* announcedPlaces({
  signal,
}: {
  readonly signal: AbortSignal;
}): AsyncGenerator<Address> {
  const found = new AsyncQueue<Address>();
  const seen = new Set<string>();
  const discovery = new Discovery({
    clock: backgroundClock,
    logger: silentLogger,
    onAnnounced(_announcement, address) {
      const place = formatAddress(address);
      if (seen.has(place) || seen.size >= MOST_PLACES) return;
      seen.add(place);
      found.push(address);
    },
    onGone: () => undefined,
  });
  const timer = setTimeout(() => found.end(), LOOK_MS);
  const stop = (): void => found.end();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    await discovery.look(true);
    yield* found;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await discovery.close();
  }
}
