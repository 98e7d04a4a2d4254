import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { Conversation } from '../../src/protocol/conversation.ts';
import type { ConversationEvent } from '../../src/protocol/conversation.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import { limits } from '../../src/protocol/limits.ts';
import { encodeMessage } from '../../src/protocol/messages.ts';
import { SessionPump } from '../../src/transfer/sessionPump.ts';
import type { SessionEnd } from '../../src/transfer/sessionPump.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { SteppedChannel } from '../support/memorySteppedChannel.ts';
import { helloOf } from '../support/memoryTransfer.ts';

type Heard = { readonly type: 'frame'; readonly name: FrameName } | ConversationEvent;

function pumpOf(onEvent: (event: Heard) => void = () => undefined) {
  const clock = new MemoryClock();
  const channel = new SteppedChannel();
  const events: string[] = [];
  const dialogue = {
    admit: () => undefined,
    *handle(_frame: unknown, name: FrameName): Generator<Heard> {
      yield { type: 'frame', name };
    },
  };
  const conversation = new Conversation<Heard>(
    { isDialler: true, hello: helloOf('receiver'), now: 0 },
    dialogue,
  );
  const pump = new SessionPump<Heard>(conversation, channel, clock, (event) => {
    events.push(event.type);
    onEvent(event);
  });
  const state: { end?: SessionEnd } = {};
  /** Runs until nothing happens any more. */
  const start = async (): Promise<void> => {
    void pump.run().then((end) => (state.end = end));
    await quiet();
  };
  /** Both sides have greeted each other. */
  const open = async (): Promise<void> => {
    await start();
    channel.hear('hello', encodeMessage('hello', helloOf('sender')));
    await quiet();
    assert.deepEqual(events, ['opened']);
  };
  const checkEnd = (origin: 'local' | 'remote', code: string): void => {
    assert.deepEqual([state.end?.origin, state.end?.close.code], [origin, code]);
    assert.equal(pump.isEnded, true);
    assert.equal(channel.isClosed, true);
    assert.equal(channel.wasLeft, false, 'to leave a stream half-way would destroy it');
    assert.equal(clock.armed, 0);
  };
  const want = (index: number): void => conversation.sayBytes('want', index, []);
  return { clock, channel, events, conversation, pump, state, start, open, checkEnd, want };
}

suite('flush', () => {
  test('what is said while there is no room follows in order', async () => {
    const { channel, pump, open, want } = pumpOf();
    await open();
    channel.room.shut();
    want(1);
    const first = pump.flush();
    want(2);
    const second = pump.flush();
    want(3);
    let isRoom = false;
    void Promise.all([first, second]).then(() => (isRoom = true));
    await quiet();
    assert.deepEqual([channel.said, isRoom], [['hello', 'want 1'], false]);
    channel.room.step();
    await quiet();
    assert.deepEqual([channel.said, isRoom], [['hello', 'want 1', 'want 2', 'want 3'], false]);
    channel.room.open();
    await quiet();
    assert.equal(isRoom, true);
  });

  test('what is said just when a flush ends is not forgotten', async () => {
    for (let steps = 0; steps < 12; steps += 1) {
      const { channel, pump, open, want } = pumpOf();
      await open();
      channel.room.shut();
      want(1);
      void pump.flush();
      await quiet();
      channel.room.step();
      channel.room.open();
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      want(2);
      void pump.flush();
      await quiet();
      assert.deepEqual(channel.said, ['hello', 'want 1', 'want 2'], `${steps} steps later`);
    }
  });

  test('with nothing to say does nothing, and does not stop the next one', async () => {
    const { channel, pump, open, want } = pumpOf();
    await open();
    await pump.flush();
    await pump.flush();
    assert.equal(channel.sends.length, 1);
    want(7);
    await pump.flush();
    assert.deepEqual(channel.said, ['hello', 'want 7']);
  });
});

suite('the session ends', () => {
  test('by us: the last frame leaves before the channel closes', async () => {
    const { channel, pump, open, checkEnd } = pumpOf();
    await open();
    channel.room.shut();
    pump.close({ code: 'cancelled' });
    await quiet();
    assert.equal(channel.isClosed, false);
    channel.room.open();
    await quiet();
    checkEnd('local', 'cancelled');
    assert.deepEqual(channel.said, ['hello', 'close cancelled']);
  });

  test('by us, while the peer still talks: it is heard out, for nothing', async () => {
    const { channel, events, pump, open, checkEnd } = pumpOf();
    await open();
    channel.room.shut();
    pump.close({ code: 'declined' });
    for (let count = 0; count < 5; count += 1) channel.hear('page', Uint8Array.of(1));
    await quiet();
    assert.equal(channel.isClosed, false);
    channel.room.open();
    await quiet();
    checkEnd('local', 'declined');
    assert.deepEqual(events, ['opened', 'closed']);
  });

  test('by the peer', async () => {
    const { channel, open, checkEnd } = pumpOf();
    await open();
    channel.hear('close', encodeMessage('close', { code: 'busy', message: 'later' }));
    await quiet();
    checkEnd('remote', 'busy');
    assert.deepEqual(channel.said, ['hello']);
  });

  test('by a fault of the peer: it is told', async () => {
    const { channel, open, checkEnd } = pumpOf();
    await open();
    channel.hear('hello', encodeMessage('hello', helloOf('sender')));
    await quiet();
    checkEnd('local', 'protocol-error');
    assert.deepEqual(channel.said, ['hello', 'close protocol-error']);
  });

  test('by the end of the stream', async () => {
    const { channel, open, checkEnd } = pumpOf();
    await open();
    channel.arriving.end();
    await quiet();
    checkEnd('remote', 'connection-lost');
  });

  test('by a failure of the stream', async () => {
    const { channel, open, checkEnd } = pumpOf();
    await open();
    channel.arriving.push(new CourierError('connection-lost', 'reset'));
    await quiet();
    checkEnd('local', 'connection-lost');
  });

  test('by a failure to send', async () => {
    const { channel, pump, open, checkEnd, want } = pumpOf();
    await open();
    channel.sendFault = new CourierError('connection-lost', 'broken pipe');
    want(1);
    await pump.flush();
    await quiet();
    checkEnd('local', 'connection-lost');
  });

  test('before it began', async () => {
    const { channel, pump, start, checkEnd } = pumpOf();
    pump.close({ code: 'cancelled' });
    await start();
    checkEnd('local', 'cancelled');
    assert.deepEqual(channel.said, ['hello', 'close cancelled']);
  });

  test('once, however often it is closed', async () => {
    const { channel, events, pump, open, checkEnd } = pumpOf();
    await open();
    pump.close({ code: 'cancelled' });
    pump.close({ code: 'internal' });
    channel.hear('close', encodeMessage('close', { code: 'busy' }));
    await quiet();
    checkEnd('local', 'cancelled');
    assert.deepEqual(events, ['opened', 'closed']);
  });

  test('though the channel cannot close', async () => {
    const { channel, pump, open, checkEnd } = pumpOf();
    channel.closeFault = new Error('EBADF');
    await open();
    pump.close({ code: 'cancelled' });
    await quiet();
    checkEnd('local', 'cancelled');
  });

  test('though there is never room for the last frame', async () => {
    const { clock, channel, pump, open, state, checkEnd, want } = pumpOf();
    await open();
    channel.room.shut();
    want(1);
    void pump.flush();
    pump.close({ code: 'cancelled' });
    await quiet();
    assert.equal(state.end, undefined);
    await clock.advance(10_000);
    checkEnd('local', 'cancelled');
  });
});

suite('our own code fails', () => {
  const failures: readonly (readonly [Error, string])[] = [
    [new Error('a bug'), 'internal'],
    [new CourierError('disk-full', 'no room'), 'disk-full'],
    [new CourierError('disk-error', 'of an entry'), 'internal'],
  ];
  for (const [error, code] of failures) {
    test(`in hearing an event: ${code} from ${error.message}`, async () => {
      const { channel, events, open, checkEnd } = pumpOf((event) => {
        if (event.type === 'frame') throw error;
      });
      await open();
      channel.hear('page');
      channel.hear('page');
      await quiet();
      checkEnd('local', code);
      assert.deepEqual(events, ['opened', 'frame', 'closed']);
      assert.deepEqual(channel.said, ['hello', `close ${code}`]);
    });
  }

  test('in hearing of the end', async () => {
    const { pump, open, checkEnd } = pumpOf((event) => {
      if (event.type === 'closed') throw new Error('too late');
    });
    await open();
    pump.close({ code: 'cancelled' });
    await quiet();
    checkEnd('local', 'cancelled');
  });

  test('a command in hearing an event: its events come inside', async () => {
    const { channel, events, pump, conversation, open, checkEnd } = pumpOf((event) => {
      if (event.type === 'frame') pump.dispatch(conversation.close({ code: 'done' }));
    });
    await open();
    channel.hear('receipt');
    channel.hear('receipt');
    await quiet();
    checkEnd('local', 'done');
    assert.deepEqual(events, ['opened', 'frame', 'closed']);
  });
});

suite('time', () => {
  test('a peer that never greets', async () => {
    const { clock, start, state, checkEnd } = pumpOf();
    await start();
    await clock.advance(limits.greetingTimeoutMs - 1);
    assert.equal(state.end, undefined);
    await clock.advance(1);
    checkEnd('local', 'timed-out');
  });

  test('a peer that falls silent hears of us, then is left', async () => {
    const { clock, channel, open, state, checkEnd } = pumpOf();
    await open();
    await clock.advance(limits.deadAfterMs - 1);
    const alive = Math.ceil(limits.deadAfterMs / limits.aliveEveryMs) - 1;
    // The first time something was said meanwhile: the hello.
    assert.deepEqual(channel.said, ['hello', ...Array.from({ length: alive - 1 }, () => 'alive')]);
    assert.equal(state.end, undefined);
    await clock.advance(1);
    checkEnd('local', 'timed-out');
    assert.equal(channel.said.at(-1), 'close timed-out');
  });

  test('a peer that says that it is alive stays', async () => {
    const { clock, channel, open, state } = pumpOf();
    await open();
    for (let minute = 0; minute < 60; minute += 1) {
      channel.hear('alive');
      await quiet();
      await clock.advance(limits.deadAfterMs - 1);
    }
    assert.equal(state.end, undefined);
  });
});
