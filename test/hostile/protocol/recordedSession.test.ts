/** Good sessions as they were recorded once, over real TLS against what we are today; and with bits flipped in them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom, seed } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { GOOD_ENTRIES, layOutGoodEntries, RECORDINGS, recordingOf } from '../fixtures/goodSession.ts';
import { VictimReceiver, victimSends } from '../support/victims.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { wickedListen } from '../support/wickedPeer.ts';
import { replay } from '../support/wickedSession.ts';
import type { RecordedFrame } from '../support/wickedSession.ts';

function assertReceived(victim: VictimReceiver): void {
  assert.deepEqual(victim.names, ['big', 'hello.txt', 'notes']);
  for (const entry of GOOD_ENTRIES) {
    const location = join(victim.folder, entry.path);
    if (!('content' in entry)) assert.ok(statSync(location).isDirectory());
    else {
      assert.ok(readFileSync(location).equals(entry.content), entry.path);
      assert.equal((statSync(location).mode & 0o100) !== 0, entry.isExecutable ?? false, entry.path);
    }
  }
  victim.assertNothingOutside();
}

for (const name of RECORDINGS.sender) {
  test(`case 11: ${name}, replayed byte for byte, is received today`, async (t) => {
    const victim = await VictimReceiver.open(t);
    const peer = await victim.meet(t);
    await replay(peer, recordingOf(name));
    peer.finish();
    const report = await victim.report();
    assert.deepEqual(
      [report.end.close.code, report.receipt?.counts.published],
      ['done', GOOD_ENTRIES.length],
    );
    assertReceived(victim);
  });
}

for (const name of RECORDINGS.receiver) {
  test(`case 11: ${name}, replayed byte for byte, is sent to today`, async (t) => {
    const wicked = wickedIdentity();
    const listener = await wickedListen(wicked);
    t.after(() => listener.close());
    const sending = victimSends(t, listener, wicked, layOutGoodEntries(scratchFolder(t)));
    const peer = await listener.accept();
    await replay(peer, recordingOf(name));
    assert.equal((await peer.ended()).code, 'done');
    assert.equal((await sending).receipt?.counts.published, GOOD_ENTRIES.length);
  });
}

/** Where a header says how long the payload is: with more than there is, the session would wait for it. */
const LENGTH_BYTES: ReadonlySet<number> = new Set([4, 5, 6, 7]);

/** Recordings with one bit flipped. */
function someFlips(recording: readonly RecordedFrame[], count: number): RecordedFrame[][] {
  const random = createRandom();
  const places = recording.flatMap(({ hex }, at) =>
    Array.from({ length: hex.length / 2 }, (_, byte) => ({ at, byte })).filter(
      ({ byte }) => !LENGTH_BYTES.has(byte),
    ),
  );
  return Array.from({ length: count }, () => {
    const { at, byte } = places[Math.floor(random() * places.length)] ?? assert.fail('no place');
    const frame = recording[at] ?? assert.fail('no frame');
    const bytes = Buffer.from(frame.hex, 'hex');
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << Math.floor(random() * 8));
    return recording.with(at, { ...frame, hex: bytes.toString('hex') });
  });
}

test(`case 10: bits of what a sender says, flipped, over TLS: nothing wrong stands there (seed ${seed})`, async (t) => {
  const victim = await VictimReceiver.open(t);
  const identity = wickedIdentity();
  const contents = GOOD_ENTRIES.flatMap((entry) => ('content' in entry ? [entry.content] : []));
  let received = 0;
  for (const frames of someFlips(recordingOf('senderVersion1'), 60)) {
    const peer = await victim.meet(t, identity);
    await replay(peer, frames);
    peer.finish();
    await peer.ended();
    if (victim.started.splice(0).length > 0) await victim.report();
    if (peer.seen.some(({ name }) => name === 'receipt')) received += 1;
    for (const { name, parentPath } of filesBelow(victim.folder)) {
      const content = readFileSync(join(parentPath, name));
      assert.ok(
        contents.some((right) => right.equals(content)),
        `${name} holds something else`,
      );
    }
    victim.assertNothingOutside();
    for (const name of victim.names) rmSync(join(victim.folder, name), { recursive: true });
  }
  t.diagnostic(`${received} of them were received, as what they had become`);
});

function filesBelow(folder: string): Dirent[] {
  const all = readdirSync(folder, { withFileTypes: true, recursive: true });
  return all.filter((entry) => entry.isFile() && !entry.parentPath.includes('.peer-courier'));
}
