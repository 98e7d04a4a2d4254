import type { Clock } from '../base/clock.ts';
import type { SessionFailure } from '../base/failure.ts';
import type { Talk } from '../protocol/frameTalk.ts';
import type { Hello } from '../protocol/messages.ts';
import type { SenderEvent } from '../protocol/senderSession.ts';
import type { Channel } from './ports.ts';

/** A peer that has dialled and said hello, and has not been answered. */
export interface Introduced {
  readonly hello: Hello;
  /** What comes after the hello. */
  readonly channel: Channel;
}

/**
 * Hears who it is that has dialled, before it is decided what the session is about. `undefined`: nothing comes of it,
 * and the channel is closed. It waits as long as the channel lasts, so somebody else has to end that in time. Never
 * rejects.
 */
export async function hearHello(
  talk: Talk<SenderEvent>,
  channel: Channel,
  clock: Clock,
): Promise<Introduced | undefined> {
  const inbound = channel.inbound[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next: IteratorResult<Uint8Array, unknown> = await inbound.next();
      if (next.done === true) break;
      const events = [...talk.receive(next.value, clock.now())];
      if (events.some(({ type }) => type === 'closed')) break;
      const introduced = events.find((event) => event.type === 'introduced');
      if (introduced !== undefined) return { hello: introduced.hello, channel: rest(channel, inbound) };
    }
  } catch {
    // It has left, or was put out.
  }
  await sayLast(talk, channel);
  return undefined;
}

/** Ends a talk that was only heard. Never rejects. */
export async function dismiss(
  talk: Talk<SenderEvent>,
  channel: Channel,
  code: SessionFailure,
): Promise<void> {
  // Taken, so that the close is said.
  Array.from(talk.close({ code }));
  await sayLast(talk, channel);
}

async function sayLast(talk: Talk<SenderEvent>, channel: Channel): Promise<void> {
  try {
    const output = talk.takeOutput();
    if (output.length > 0) await channel.send(output);
  } catch {
    // It has left before it was told.
  }
  await channel.close().catch(() => undefined);
}

/** A channel whose beginning has been read. */
function rest(channel: Channel, inbound: AsyncIterator<Uint8Array>): Channel {
  return {
    send: (pieces) => channel.send(pieces),
    inbound: { [Symbol.asyncIterator]: () => inbound },
    close: () => channel.close(),
  };
}
