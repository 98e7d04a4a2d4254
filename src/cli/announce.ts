import { backgroundClock } from '../node/clock.ts';
import { Discovery, newInstance } from '../node/discovery/discovery.ts';
import { isLoopback } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';

/**
 * Announces what listens at `address` on the local networks, without any name; not if it listens on this machine only.
 * The returned function takes that back, and resolves when the goodbye has left.
 */
export async function announce(address: Address, output: Output): Promise<() => Promise<void>> {
  const discovery = new Discovery({
    clock: backgroundClock,
    logger: logTo(output),
    onAnnounced: nothing,
    onGone: nothing,
  });
  if (!isLoopback(address.host)) {
    await discovery.announce({ ...address, instance: newInstance(), deviceName: undefined });
  }
  return () => discovery.close();
}

function nothing(): void {
  // Nobody looks for others meanwhile.
}
