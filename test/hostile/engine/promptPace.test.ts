import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptPace } from '../../../src/engine/promptPace.ts';
import { MemoryClock } from '../../support/memoryClock.ts';

function open() {
  const clock = new MemoryClock();
  const prompts: { readonly id: string; readonly atMs: number }[] = [];
  const pace = new PromptPace(clock, (id) => void prompts.push({ id, atMs: clock.now() }));
  return { clock, prompts, pace };
}

test('case 106, 107: of a flood the first three are asked about at once, then one each 20 s, in order', async () => {
  const { clock, prompts, pace } = open();
  for (let number = 0; number < 8; number += 1) pace.request('peer', String(number));
  assert.deepEqual(
    prompts.map(({ id }) => id),
    ['0', '1', '2'],
  );
  assert.equal(pace.holds('peer', '2'), false);
  assert.equal(pace.holds('peer', '3'), true);
  await clock.advance(60_000);
  assert.deepEqual(
    prompts.slice(3).map(({ atMs }) => atMs),
    [20_000, 40_000, 60_000],
  );
});

test('case 106, 107: what is not open any more when its turn comes is not asked about', async () => {
  const { clock, prompts, pace } = open();
  for (let number = 0; number < 6; number += 1) pace.request('peer', String(number));
  for (const gone of ['0', '3', '4']) pace.settle('peer', gone, { isWelcome: false });
  await clock.advance(3_600_000);
  assert.deepEqual(
    prompts.map(({ id }) => id),
    ['0', '1', '2', '5'],
  );
  assert.equal(clock.armed, 0);
});

test('case 106, 107: 10,000 that are offered and cancelled within an hour ask 183 times', async () => {
  const { clock, prompts, pace } = open();
  for (let number = 0; number < 10_000; number += 1) {
    pace.request('peer', String(number));
    await clock.advance(360);
    pace.settle('peer', String(number), { isWelcome: false });
  }
  // Three at once, then one in 20 s: what waits for its turn is gone when it comes, and the next has it.
  assert.ok(prompts.length <= 183, String(prompts.length));
  assert.ok(prompts.length >= 170, String(prompts.length));
});

test('case 106, 107: a peer that floods is in no other peer’s way', () => {
  const { prompts, pace } = open();
  for (let number = 0; number < 1000; number += 1) pace.request('flood', `flood ${number}`);
  pace.request('friend', 'photos');
  assert.equal(prompts.at(-1)?.id, 'photos');
});

test('one that is accepted gives its turn back, one that was never asked about has none', async () => {
  const { clock, prompts, pace } = open();
  for (let number = 0; number < 20; number += 1) {
    pace.request('friend', String(number));
    pace.settle('friend', String(number), { isWelcome: true });
  }
  assert.equal(prompts.length, 20);
  for (let number = 0; number < 5; number += 1) pace.request('other', `other ${number}`);
  // Accepted in the list, before its turn.
  pace.settle('other', 'other 4', { isWelcome: true });
  assert.equal(prompts.length, 23);
  await clock.advance(20_000);
  assert.equal(prompts.at(-1)?.id, 'other 3');
});

test('peers that are quiet are forgotten', async () => {
  const { clock, pace } = open();
  for (let peer = 0; peer < 1000; peer += 1) {
    pace.request(String(peer), 'offer');
    pace.settle(String(peer), 'offer', { isWelcome: false });
  }
  assert.equal(pace.size, 1000);
  await clock.advance(20_000);
  pace.request('another', 'offer');
  assert.equal(pace.size, 1);
});
