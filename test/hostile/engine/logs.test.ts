/** Whatever somebody does again and again, what is told of it stays readable and small. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LinePace } from '../../../src/base/linePace.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { pacedLogger } from '../../../src/base/pacedLogger.ts';
import { logTo } from '../../../src/cli/output.ts';
import type { Output } from '../../../src/cli/output.ts';
import { ReceivingWords } from '../../../src/cli/receivingWords.ts';
import { SendingWords } from '../../../src/cli/sendingWords.ts';
import { appendToCrashLog } from '../../../src/engine/crashLog.ts';
import type { TransferSummary } from '../../../src/rpc/model.ts';
import { MemoryClock } from '../../support/memoryClock.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { HELLO } from '../support/wickedSession.ts';
import { Device } from './device.ts';

function keepLines(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  return { lines, logger: { debug: keep, warn: keep } };
}

/** An output that keeps the names of events, and what people are told. */
function keepOutput(): { readonly told: string[]; readonly output: Output } {
  const told: string[] = [];
  const nothing = (): void => undefined;
  const output: Output = {
    event: (name) => void told.push(name),
    line: (text) => void told.push(text),
    problem: (text) => void told.push(text),
    watch: nothing,
    unwatch: nothing,
  };
  return { told, output };
}

test('case 112: of the same kind of line five pass in ten seconds, and then how many more there were', async () => {
  const { lines, logger } = keepLines();
  const clock = new MemoryClock();
  const paced = pacedLogger(logger, clock);
  for (let number = 0; number < 1939; number += 1) {
    paced.warn(`turned away: 192.0.2.${number % 256}, not-paired`);
  }
  paced.warn('an outbox could not be removed: EACCES');
  assert.equal(lines.length, 6);
  assert.equal(lines.at(-1), 'an outbox could not be removed: EACCES');
  await clock.advance(10_000);
  assert.equal(lines.at(-1), 'turned away: … and 1934 more like it');
  paced.warn('turned away: once more');
  assert.equal(lines.at(-1), 'turned away: once more');
  // Nothing is armed for what was said seldom.
  await clock.advance(10_000);
  assert.equal(lines.length, 8);
  assert.equal(clock.armed, 0);
});

test('case 112: lines that are all of another kind are bounded, too', async () => {
  const { lines, logger } = keepLines();
  const clock = new MemoryClock();
  const paced = pacedLogger(logger, clock);
  for (let number = 0; number < 100_000; number += 1) paced.debug(`${number}: something else each time`);
  assert.equal(lines.length, 64 + 5);
  assert.ok(clock.armed <= 65);
  await clock.advance(10_000);
  assert.equal(lines.at(-1), `others: … and ${100_000 - 64 - 5} more like it`);
});

test('case 112: a flood at any pace is a line every other second', async () => {
  const clock = new MemoryClock();
  let passed = 0;
  const told: number[] = [];
  const pace = new LinePace(clock, (_kind, count) => void told.push(count));
  for (let number = 0; number < 100_000; number += 1) {
    if (pace.passes('kind')) passed += 1;
    // A thousand a second.
    if (number % 100 === 99) await clock.advance(100);
  }
  assert.equal(passed + told.reduce((sum, count) => sum + count, 0), 100_000);
  assert.ok(passed + told.length <= 60, String(passed + told.length));
});

test('case 112: strangers that come again and again write five lines', async (t) => {
  const device = await Device.open(t);
  for (let number = 0; number < 30; number += 1) {
    const peer = await device.dial(t, wickedIdentity());
    peer.say('hello', HELLO);
    await peer.ended();
  }
  await device.until(() => device.refused.length === 30);
  assert.equal(device.logged.filter((line) => line.startsWith('turned away: ')).length, 5);
  await device.clock.advance(10_000);
  assert.equal(device.logged.at(-1), 'turned away: … and 25 more like it');
});

test('case 112: a thousand who are turned away are five lines in a terminal, with and without --json', async (t) => {
  const { transfers } = await Device.open(t);
  const { told, output } = keepOutput();
  const words = new ReceivingWords(output, transfers, { isAsked: false, onEnd: () => undefined });
  for (let number = 0; number < 1000; number += 1) words.refused(`192.0.2.${number % 256}`, 'not-paired');
  assert.equal(told.filter((name) => name === 'refused').length, 5);
  assert.equal(told.length, 10);

  const log = logTo(output);
  for (let number = 0; number < 1000; number += 1) log.debug(`a connection that is not ours: ${number}`);
  assert.equal(told.filter((name) => name === 'log').length, 5);
});

test('case 112: dialling in vain for ten minutes is not told twelve hundred times', () => {
  const { told, output } = keepOutput();
  const words = new SendingWords(output, { isResumed: true, bytesBefore: 0 });
  for (let number = 0; number < 1200; number += 1) words.changed(interruptedAt(number));
  assert.equal(told.filter((name) => name === 'interrupted').length, 5);
});

test('case 112: a log of crashes does not grow for ever, and has the latest', (t) => {
  const file = join(scratchFolder(t), 'crash.log');
  let longest = 0;
  for (let number = 0; number < 200; number += 1) {
    appendToCrashLog(file, `crash ${number} ${'x'.repeat(10_000)}\n`);
    longest = Math.max(longest, statSync(file).size);
  }
  assert.ok(longest <= 256 * 1024, String(longest));
  assert.ok(longest > 200 * 1024, String(longest));
  assert.match(readFileSync(file, 'utf8'), /^crash 199 /mu);
});

function interruptedAt(number: number): TransferSummary {
  return {
    id: '0'.repeat(32),
    direction: 'outgoing',
    peer: { name: 'a peer', fingerprint: '0'.repeat(64) },
    label: 'notes',
    phase: 'interrupted',
    progress: {
      bytesDone: 0,
      bytesTotal: 1,
      entriesDone: 0,
      entriesTotal: 1,
      bytesPerSecond: 0,
      remainingMs: undefined,
    },
    startedAtMs: 0,
    window: undefined,
    offer: undefined,
    failure: { code: 'unreachable', detail: '', origin: 'local' },
    retryAtMs: number,
    heldBytes: undefined,
    failedCount: 0,
    failedEntries: [],
    skippedCount: 0,
    digest: undefined,
  };
}
