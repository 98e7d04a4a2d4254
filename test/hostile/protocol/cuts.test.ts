/** Sessions that break off anywhere, in either way; what the next one makes of it; and a path that works one way only. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { quiet } from '../../support/memoryClock.ts';
import { createRandom, seed } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { GOOD_ENTRIES, layOutGoodEntries, recordingOf } from '../fixtures/goodSession.ts';
import { countedFrames, replay } from '../support/wickedSession.ts';
import type { RecordedFrame } from '../support/wickedSession.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import { emptyDisk, PlainReceiver } from './plainVictims.ts';
import { Prey, Target } from './wire.ts';

const DEAD_MS = 30_000;
const sender = recordingOf('senderVersion1');
const receiver = recordingOf('receiverVersion1');

/** The recording up to a byte. */
function upTo(recording: readonly RecordedFrame[], bytes: number): readonly RecordedFrame[] {
  const kept: RecordedFrame[] = [];
  let left = bytes;
  for (const { hex, after } of recording) {
    const length = Math.min(left, hex.length / 2);
    if (length > 0) kept.push({ hex: hex.slice(0, length * 2), after });
    left -= length;
  }
  return kept;
}

/** After how many bytes each frame ends; and the beginning. */
function boundaries(recording: readonly RecordedFrame[]): number[] {
  let at = 0;
  return [0, ...recording.map(({ hex }) => (at += hex.length / 2))];
}

async function breakOff(peer: WickedPeer, how: 'FIN' | 'RST'): Promise<void> {
  // Not inside the callback of the handshake, or Node frees what OpenSSL is about to go on with.
  await quiet();
  if (how === 'FIN') peer.finish();
  else peer.drop();
}

for (const how of ['FIN', 'RST'] as const) {
  test(`case 120: a sender that is cut by ${how} after each of its frames offers again, and all arrives once`, async (t) => {
    for (const bytes of boundaries(sender).slice(0, -1)) {
      const target = await Target.open(t, { keepsInterrupted: true });
      const { victim } = target;
      const cut = await target.meet();
      await replay(cut, upTo(sender, bytes));
      await breakOff(cut, how);
      // With RST it may be that not even the offer was read.
      await cut.ended();
      let again = await target.meet();
      for (;;) {
        await replay(again, sender);
        const { code } = await again.ended();
        // The session before may not have ended yet, over there.
        if (code !== 'busy') break;
        again = await target.meet();
      }
      again.finish();
      while ((await victim.report()).receipt === undefined);
      assert.deepEqual(victim.names, ['big', 'hello.txt', 'notes'], `${bytes}`);
      for (const entry of GOOD_ENTRIES) {
        if (!('content' in entry)) continue;
        assert.ok(readFileSync(join(victim.folder, entry.path)).equals(entry.content));
      }
      victim.assertNothingOutside();
    }
  });

  test(`case 120: a receiver that is cut by ${how} after each of its frames is no success, and gets all the next time`, async (t) => {
    const prey = await Prey.open(t, layOutGoodEntries(scratchFolder(t)));
    for (const bytes of boundaries(receiver).slice(0, -1)) {
      const { peer, sending } = await prey.meet();
      await replay(peer, upTo(receiver, bytes));
      await breakOff(peer, how);
      assert.equal((await sending).receipt, undefined);
    }
    const { peer, sending } = await prey.meet();
    await replay(peer, receiver);
    peer.finish();
    assert.ok((await sending).receipt !== undefined);
  });
}

/** Says what was recorded, and breaks off. */
async function say(victim: PlainReceiver, frames: readonly RecordedFrame[]): Promise<void> {
  for (const { hex, after } of frames) {
    if (countedFrames(victim.channel.seen) < after) await quiet();
    victim.channel.sendBytes(Buffer.from(hex, 'hex'));
  }
  await quiet();
}

test(`case 120: cut at a thousand bytes of any kind, and offered again: all arrives once (seed ${seed})`, async () => {
  const random = createRandom();
  const total = boundaries(sender).at(-1) ?? 0;
  for (let round = 0; round < 1000; round += 1) {
    const bytes = Math.floor(random() * total);
    const first = new PlainReceiver({ keepsInterrupted: true });
    await say(first, upTo(sender, bytes));
    first.channel.end(round % 2 === 0 ? 'ended' : 'broken');
    const { end } = await first.end();
    assert.equal(end.close.code, 'connection-lost', `${bytes}`);
    const second = new PlainReceiver({ keepsInterrupted: true, disk: first.disk });
    await say(second, sender);
    assert.equal((await second.end()).end.close.code, 'done', `${bytes}`);
    second.assertTidy();
    const { standing } = second;
    assert.deepEqual(
      [...standing.keys()].toSorted(),
      GOOD_ENTRIES.map(({ path }) => path).toSorted(),
      `${bytes}`,
    );
    for (const entry of GOOD_ENTRIES) {
      const there = standing.get(entry.path);
      if ('content' in entry) assert.ok(there?.content.has(entry.content), `${entry.path} after ${bytes}`);
    }
  }
});

test('case 121: when nothing comes from the sender any more, it is noticed, and no two sessions write at once', async () => {
  const disk = emptyDisk();
  // One process, in which both sessions run.
  const mount = disk.mount();
  const init = { keepsInterrupted: true, disk, mount: () => mount };
  const first = new PlainReceiver(init);
  // Its answers still get through; the data does not.
  await say(first, sender.slice(0, 4));
  assert.equal(first.channel.seen.at(-1)?.name, 'want');
  await first.clock.advance(DEAD_MS - 1000);
  assert.equal(first.isOver, false);
  // The sender has noticed first, and is back while the old session waits.
  const early = new PlainReceiver(init);
  await say(early, sender);
  assert.equal((await early.end()).end.close.code, 'busy');
  assert.equal(early.channel.seen.filter(({ name }) => name === 'want').length, 0);
  await first.clock.advance(2000);
  assert.equal((await first.end()).end.close.code, 'timed-out');
  const late = new PlainReceiver(init);
  await say(late, sender);
  assert.equal((await late.end()).end.close.code, 'done');
  assert.equal(late.standing.size, GOOD_ENTRIES.length);
});
