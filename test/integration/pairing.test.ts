/** Two users compare a code, in terminals: real processes, real TLS. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import type { Program } from '../support/cli.ts';

/** One waits, under the receiver's identity; the other dials, under the sender's. */
async function pairing(t: TestContext) {
  const scene = new Scene(t);
  const own = ['--host', '127.0.0.1', '--port', '0'];
  const waiting = scene.startWith('receiver', ['pair', ...own]);
  const address = String((await waiting.event('waiting'))['addresses']);
  const dialling = scene.startWith('sender', ['pair', address]);
  return { scene, waiting, dialling, address };
}

async function codesOf(...programs: readonly Program[]): Promise<string[]> {
  return Promise.all(programs.map(async (each) => String((await each.event('code'))['code'])));
}

test('both show the same six digits, both say yes, and know each other from then on', async (t) => {
  const { scene, waiting, dialling, address } = await pairing(t);
  const [one = '', other] = await codesOf(waiting, dialling);
  assert.match(one, /^\d{6}$/u);
  assert.equal(one, other);
  dialling.type('y\n');
  waiting.type('yes\n');
  const [atWaiting, atDialling] = await Promise.all([waiting.ended, dialling.ended]);
  assert.deepEqual([atWaiting.status, atDialling.status], [0, 0]);
  assert.equal(eventOf(atDialling, 'paired')['fingerprint'], eventOf(atWaiting, 'waiting')['fingerprint']);

  writeFileSync(scene.path('note'), 'hello');
  await scene.receive({ words: ['--port', address.split(':').at(-1) ?? ''] });
  const { status, stderr } = await scene.send([scene.path('note')], { words: ['--to', address] });
  assert.equal(status, 0, stderr);
});

suite('case 159: nobody is paired', () => {
  for (const role of ['waiting', 'dialling'] as const) {
    for (const [what, say] of [
      ['says no', (program: Program) => program.type('n\n')],
      ['just presses Enter', (program: Program) => program.type('\n')],
      ['has no more to say', (program: Program) => program.endInput()],
    ] as const) {
      test(`when the one ${role} ${what}`, async (t) => {
        const ends = await pairing(t);
        const { waiting, dialling, scene } = ends;
        await codesOf(waiting, dialling);
        const other = role === 'waiting' ? dialling : waiting;
        other.type('y\n');
        say(ends[role]);
        const [atWaiting, atDialling] = await Promise.all([waiting.ended, dialling.ended]);
        assert.deepEqual([atWaiting.status, atDialling.status], [38, 38]);
        // Neither knows the other: sending is refused before anything is said.
        writeFileSync(scene.path('note'), 'hello');
        const { address } = await scene.receive();
        const { status } = await scene.send([scene.path('note')], { words: ['--to', address] });
        assert.equal(status, 16);
      });
    }
  }

  test('when one goes away while the code is compared', async (t) => {
    const { waiting, dialling } = await pairing(t);
    await codesOf(waiting, dialling);
    assert.equal((await dialling.stop()).status, 130);
    const { status, stderr } = await waiting.ended;
    assert.equal(status, 46, stderr);
  });

  test('when nobody there compares codes', async (t) => {
    const scene = new Scene(t);
    const { address } = await scene.receive();
    const { status } = await scene.startWith('sender', ['pair', address]).ended;
    assert.equal(status, 39);
  });

  test('when it is this device itself', async (t) => {
    const { scene, address } = await pairing(t);
    const { status, events } = await scene.startWith('receiver', ['pair', address]).ended;
    assert.equal(status, 11, JSON.stringify(events));
  });

  test('when another key answers where somebody known was', async (t) => {
    const { scene, waiting, dialling, address } = await pairing(t);
    await codesOf(waiting, dialling);
    for (const each of [waiting, dialling]) each.type('y\n');
    assert.equal((await dialling.ended).status, 0);
    const port = address.split(':').at(-1) ?? '';
    const state = scene.path('somebody-else');
    const stranger = scene.run(['pair', '--host', '127.0.0.1', '--port', port, '--state', state, '--json']);
    await stranger.event('waiting');
    const { status, events } = await scene.startWith('sender', ['pair', address]).ended;
    assert.equal(status, 13, JSON.stringify(events));
  });
});

test('a third one is sent away while two compare, and a stray connection does not end the waiting', async (t) => {
  const { scene, waiting, dialling, address } = await pairing(t);
  await codesOf(waiting, dialling);
  const third = scene.run(['pair', address, '--state', scene.path('third'), '--json']);
  assert.equal((await third.ended).status, 39);
  for (const each of [waiting, dialling]) each.type('y\n');
  assert.deepEqual(
    (await Promise.all([waiting.ended, dialling.ended])).map(({ status }) => status),
    [0, 0],
  );
});

test('words that make no sense are told', async (t) => {
  const scene = new Scene(t);
  for (const words of [
    ['pair', 'a', 'b'],
    ['pair', 'host:1', '--port', '2'],
    ['pair', 'not an address'],
    ['pair', '--port', 'x'],
  ]) {
    assert.equal((await scene.run(words).ended).status, 2, words.join(' '));
  }
});
