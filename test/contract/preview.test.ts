import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { OmissionOptions } from '../../src/node/disk/omissions.ts';
import { preview } from '../../src/node/disk/preview.ts';
import type { Preview } from '../../src/node/disk/preview.ts';
import { MemoryClock } from '../support/memoryClock.ts';
import { scratchFolder } from '../support/scratch.ts';

const CAREFUL: OmissionOptions = { useGitignore: true, leaveOutSecrets: true };
const NOTHING: Preview = {
  files: 0,
  folders: 0,
  bytes: 0,
  largest: [],
  specials: 0,
  ignored: 0,
  secrets: { count: 0, first: [] },
  unreadable: { count: 0, first: [] },
  refusedNames: { count: 0, first: [] },
};

const never = new AbortController().signal;

/** What one folder, picked as `r`, comes to. */
function look(location: string, options: OmissionOptions = CAREFUL): Promise<Preview> {
  return preview([{ location, name: 'r' }], options, { clock: new MemoryClock(), signal: never });
}

function fill(folder: string, names: readonly string[], sizeBytes = 0): void {
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), new Uint8Array(sizeBytes));
}

function numbered(count: number, name: (at: string) => string): string[] {
  return Array.from({ length: count }, (_, at) => name(String(at).padStart(4, '0')));
}

test('an empty folder', async (t) => {
  assert.deepEqual(await look(scratchFolder(t)), { ...NOTHING, folders: 1 });
});

test('everything that is sent and that is not, each counted once', async (t) => {
  const folder = scratchFolder(t);
  fill(folder, ['a'], 10);
  fill(join(folder, 'in'), ['b', 'c'], 300);
  fill(join(folder, 'in', 'deep'), ['d'], 2000);
  fill(join(folder, 'in', 'deep'), ['e'], 299);
  fill(join(folder, 'built', 'much'), ['x', 'y', 'z', '.env'], 5000);
  fill(join(folder, 'in'), ['noise.log', '.env', 'NUL', 'server.key'], 1);
  writeFileSync(join(folder, '.gitignore'), 'built\n*.log\n');
  symlinkSync('a', join(folder, 'in', 'link'));
  symlinkSync('nowhere', join(folder, 'in', 'link.key'));
  assert.deepEqual(await look(folder), {
    files: 6,
    folders: 3,
    bytes: 10 + 300 + 300 + 2000 + 299 + 12,
    largest: [
      { path: 'r/in/deep/d', sizeBytes: 2000 },
      { path: 'r/in/b', sizeBytes: 300 },
      { path: 'r/in/c', sizeBytes: 300 },
    ],
    specials: 2,
    ignored: 2,
    secrets: { count: 2, first: ['r/in/.env', 'r/in/server.key'] },
    unreadable: { count: 0, first: [] },
    refusedNames: { count: 1, first: ['r/in/NUL'] },
  } satisfies Preview);
  const all = await look(folder, { useGitignore: false, leaveOutSecrets: false });
  assert.deepEqual([all.files, all.folders, all.ignored, all.secrets.count], [13, 5, 0, 0]);
});

test('the first few are named, all are counted', async (t) => {
  const folder = scratchFolder(t);
  fill(folder, [...numbered(25, (at) => `${at}.key`), ...numbered(22, (at) => `${at}:`)]);
  const roots = [
    { location: folder, name: 'r' },
    ...numbered(21, (at) => `gone ${at}`).map((name) => ({ name, location: join(folder, name) })),
  ];
  const { secrets, refusedNames, unreadable } = await preview(roots, CAREFUL, {
    clock: new MemoryClock(),
    signal: never,
  });
  assert.deepEqual(secrets, { count: 25, first: numbered(20, (at) => `r/${at}.key`) });
  assert.deepEqual(refusedNames, { count: 22, first: numbered(20, (at) => `r/${at}:`) });
  assert.deepEqual(unreadable, { count: 21, first: numbered(20, (at) => `gone ${at}`) });
});

test('several roots are one sum', async (t) => {
  const folder = scratchFolder(t);
  fill(folder, ['.env', 'b'], 7);
  fill(join(folder, 'in'), ['c'], 5);
  const roots = ['in', '.env', 'b'].map((name) => ({ name, location: join(folder, name) }));
  const { files, folders, bytes } = await preview(roots, CAREFUL, {
    clock: new MemoryClock(),
    signal: never,
  });
  assert.deepEqual([files, folders, bytes], [3, 1, 19]);
});

/** A clock on which every look takes a moment. */
class TickingClock implements Clock {
  readonly #stepMs: number;
  time = 0;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  now(): number {
    this.time += this.#stepMs;
    return this.time;
  }

  schedule(): () => void {
    throw new Error('it needs no timer');
  }
}

test('it is sampled four times a second at most, and samples do not change afterwards', async (t) => {
  const folder = scratchFolder(t);
  fill(
    folder,
    numbered(1000, (at) => `${at}.key`),
  );
  fill(
    folder,
    numbered(100, (at) => `z${at}`),
    3,
  );
  const clock = new TickingClock(10);
  const samples: { readonly at: number; readonly sample: Preview; readonly text: string }[] = [];
  const last = await preview([{ location: folder, name: 'r' }], CAREFUL, {
    clock,
    onSample: (sample) => samples.push({ at: clock.time, sample, text: JSON.stringify(sample) }),
    signal: never,
  });
  assert.equal(samples.length, 44, '1101 items, 10 ms each');
  for (const [index, { at, sample, text }] of samples.entries()) {
    assert.ok(at - (samples[index - 1]?.at ?? 0) >= 250);
    assert.equal(JSON.stringify(sample), text);
  }
  assert.equal(samples[0]?.sample.secrets.count, 24);
  assert.deepEqual([last.secrets.count, last.files, last.bytes], [1000, 100, 300]);
});

test('what is over sooner is not sampled', async (t) => {
  const folder = scratchFolder(t);
  fill(folder, ['a', 'b']);
  const onSample = (): never => assert.fail('sampled');
  await preview([{ location: folder, name: 'r' }], CAREFUL, {
    clock: new MemoryClock(),
    onSample,
    signal: never,
  });
});

function isCancelled(error: unknown): boolean {
  return CourierError.is(error, 'cancelled');
}

test('it stops at once when that is said', async (t) => {
  const folder = scratchFolder(t);
  fill(
    folder,
    numbered(600, (at) => at),
  );
  const roots = [{ location: folder, name: 'r' }];
  const abort = new AbortController();
  const samples: number[] = [];
  const looking = preview(roots, CAREFUL, {
    clock: new TickingClock(250),
    onSample: ({ files }) => {
      samples.push(files);
      if (files === 300) abort.abort();
    },
    signal: abort.signal,
  });
  await assert.rejects(looking, isCancelled);
  assert.equal(samples.at(-1), 300);
  const again = preview(roots, CAREFUL, { clock: new MemoryClock(), signal: abort.signal });
  await assert.rejects(again, isCancelled);
});

test('it lets other work go on, which may say so', async (t) => {
  const folder = scratchFolder(t);
  fill(
    folder,
    numbered(600, (at) => at),
  );
  const abort = new AbortController();
  const looking = preview([{ location: folder, name: 'r' }], CAREFUL, {
    clock: new MemoryClock(),
    signal: abort.signal,
  });
  setImmediate(() => abort.abort());
  await assert.rejects(looking, isCancelled);
});
