import { rememberedPlaces } from '../engine/notBlocked.ts';
import { Presence } from '../engine/presence.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { printable } from '../base/printable.ts';
import { backgroundClock, systemClock } from '../node/clock.ts';
import { formatAddress } from '../peers/address.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { ReachedPeer } from '../peers/places.ts';
import type { NearbyCommand } from './arguments.ts';
import { commandLine } from './commandLine.ts';
import { explainError, SUCCESS, tellFailure } from './failures.ts';
import { interruption } from './interruption.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';

/** `peer-courier nearby`: who answers on the local networks now, and where known peers were before. */
export async function nearby(command: NearbyCommand, output: Output): Promise<number> {
  const stop = interruption();
  try {
    const state = new StateFolder(command.state ?? defaultStateFolder());
    tellLostIdentity(state, output);
    const presence = new Presence({
      clock: backgroundClock,
      logger: logTo(output),
      identity: await state.identity(),
      remembered: () => rememberedPlaces(state),
      onChange: () => undefined,
    });
    presence.watch(true);
    await untilOver(command.forMs, stop.signal);
    const found = presence.list();
    await presence.close();
    for (const peer of found) tell(state, peer, command, output);
    if (found.length === 0) {
      output.line('Nobody answered. A device is found while its receiver is on, in the same network.');
    }
    return stop.signal.aborted ? stop.status() : SUCCESS;
  } catch (error) {
    return tellFailure(explainError(error, 'sender'), output);
  }
}

function untilOver(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((over) => {
    const cancel = systemClock.schedule(forMs, over);
    const stop = (): void => {
      cancel();
      over();
    };
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
}

function tell(
  state: StateFolder,
  { fingerprint, address, roundTripMs, deviceName }: ReachedPeer,
  command: NearbyCommand,
  output: Output,
): void {
  const name = state.peers.find(fingerprint)?.name;
  const place = formatAddress(address);
  output.event('nearby', {
    fingerprint,
    address: place,
    roundTripMs,
    ...(name === undefined ? {} : { name }),
    ...(deviceName === undefined ? {} : { announcedName: deviceName }),
  });
  const who = name === undefined ? 'not paired' : printable(name);
  const said = deviceName === undefined || name !== undefined ? '' : `, calls itself “${deviceName}”`;
  output.line(`${who} (${shortFingerprint(fingerprint)})${said}: ${place}, ${roundTripMs.toFixed(1)} ms`);
  if (name === undefined) output.line(`  Pair:  ${commandLine(['pair', place], command.state)}`);
}
