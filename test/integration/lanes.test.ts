/** Further connections of a transfer between two terminals, on real TLS. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Scene } from '../support/cli.ts';
import { NarrowPath } from '../support/narrowPath.ts';
import { noise } from '../support/noise.ts';

/** At this rate it takes two seconds and more, in which a sender tries a second lane. */
const LIMIT = ['--limit', '64'] as const;
const CONTENT = Buffer.from(noise(20 * 1024 * 1024, 8));

async function sending(t: TestContext, words: readonly string[]) {
  const scene = new Scene(t);
  writeFileSync(scene.path('big'), CONTENT);
  const { port } = await scene.receive();
  const path = await NarrowPath.open(t, port, { holdAfter: Number.POSITIVE_INFINITY });
  path.detour(scene.inviteFile);
  const sender = scene.startSend([scene.path('big')], { words: [...LIMIT, ...words] });
  return { scene, path, sender };
}

suite('a sender that a limit holds back', () => {
  test('tries a second lane, and both carry the file', async (t) => {
    const { scene, path, sender } = await sending(t, []);
    await path.connected(2);
    assert.equal((await sender.ended).status, 0);
    assert.ok(readFileSync(join(scene.received, 'big')).equals(CONTENT));
  });

  test('goes on over the first when the second breaks', async (t) => {
    const { scene, path, sender } = await sending(t, []);
    await path.connected(2);
    const before = path.bytesForward;
    // When something has gone over it, more or less.
    await sender.event('progress', () => path.bytesForward > before + 1024 * 1024);
    path.cutNewest();
    const { status, events } = await sender.ended;
    assert.equal(status, 0, JSON.stringify(events));
    assert.ok(!events.some(({ event }) => event === 'interrupted'));
    assert.ok(readFileSync(join(scene.received, 'big')).equals(CONTENT));
  });

  test('keeps to one lane if its user says so', async (t) => {
    const { scene, path, sender } = await sending(t, ['--lanes', '1']);
    let isSecond = false;
    void path.connected(2).then(() => (isSecond = true));
    assert.equal((await sender.ended).status, 0);
    assert.ok(readFileSync(join(scene.received, 'big')).equals(CONTENT));
    assert.equal(isSecond, false);
  });
});
