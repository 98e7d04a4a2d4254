/** What is shared is interrupted: whichever side is killed, the receiver dials again and goes on where it was. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import type { Program } from '../support/cli.ts';
import { noise } from '../support/noise.ts';
import { file, makeTree } from '../support/trees.ts';

const BYTES = 12 * 1024 ** 2;
/** Slow enough for a kill to come in the middle; nothing depends on how fast it really is. */
const SLOW = ['--limit', '80'];
const PATIENT = ['--retry-for', '2m'];

async function midShare(t: TestContext) {
  const scene = new Scene(t);
  const shareFile = scene.path('share');
  makeTree(scene.folder, { 'big.bin': file(noise(BYTES, 7)) });
  const where = ['--host', '127.0.0.1', '--port', '0', '--share-file', shareFile];
  const words = ['send', scene.path('big.bin'), '--share', ...where, ...SLOW, ...PATIENT];
  const sender = scene.startWith('sender', words);
  await sender.event('invite');
  const receiver = scene.startWith('receiver', [
    'receive',
    '--folder',
    scene.received,
    '--from-file',
    shareFile,
    ...PATIENT,
  ]);
  await receiver.event('progress', ({ bytesDone }) => Number(bytesDone) > 2 * 1024 ** 2);
  return { scene, sender, receiver };
}

async function assertArrived(scene: Scene, ...programs: readonly Program[]): Promise<void> {
  const ended = await Promise.all(programs.map((each) => each.ended));
  for (const each of ended) assert.equal(each.status, 0, `${each.stdout.slice(-500)}${each.stderr}`);
  const sent = readFileSync(scene.path('big.bin'));
  assert.ok(sent.equals(readFileSync(scene.path('received', 'big.bin'))));
  assert.deepEqual([await scene.left('sender'), await scene.left('receiver')], [[], []]);
}

async function idLeft(scene: Scene, role: 'sender' | 'receiver'): Promise<string> {
  const [left] = await scene.left(role);
  assert.ok(left);
  return String(left['id']).slice(0, 8);
}

test('the receiver is killed: resume dials again, and the invite is not needed', async (t) => {
  const { scene, sender, receiver } = await midShare(t);
  await receiver.stop('SIGKILL');
  await sender.event('interrupted');
  const again = scene.startWith('receiver', ['resume', await idLeft(scene, 'receiver')]);
  const resumed = await again.event('resumed');
  assert.ok(Number(resumed['bytesDone']) > 1024 ** 2, 'it goes on where it was');
  await assertArrived(scene, sender, again);
});

test('the sender is killed: resume waits where it was, and the receiver comes by itself', async (t) => {
  const { scene, sender, receiver } = await midShare(t);
  await sender.stop('SIGKILL');
  await receiver.event('interrupted');
  const again = scene.startWith('sender', ['resume', await idLeft(scene, 'sender')]);
  await assertArrived(scene, again, receiver);
  assert.ok(receiver.events.some(({ event }) => event === 'resumed'));
});

test('both are killed, and come back in either order', async (t) => {
  const { scene, sender, receiver } = await midShare(t);
  await Promise.all([sender.stop('SIGKILL'), receiver.stop('SIGKILL')]);
  const [there, here] = [await idLeft(scene, 'sender'), await idLeft(scene, 'receiver')];
  assert.equal(there, here);
  const receiving = scene.startWith('receiver', ['resume', here, ...PATIENT]);
  await receiving.event('waiting');
  await assertArrived(scene, scene.startWith('sender', ['resume', there]), receiving);
});

test('it is given up while the other side is away: that is told, and nothing is kept', async (t) => {
  const { scene, sender, receiver } = await midShare(t);
  await receiver.stop('SIGKILL');
  await sender.event('interrupted');
  await sender.stop('SIGINT');
  const id = await idLeft(scene, 'sender');
  await scene.startWith('sender', ['discard', id]).ended;
  const refused = await scene.startWith('receiver', ['resume', id, '--retry-for', '0']).ended;
  assert.equal(eventOf(refused, 'failed')['code'], 'not-listening');
  assert.equal((await scene.left('receiver')).length, 1, 'it may be that it is only away');
});
