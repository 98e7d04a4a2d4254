/** What the terminal program prints, with a hostile text wherever a peer or a disk can put one. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { CourierError, ENTRY_FAILURES, SESSION_FAILURES } from '../../../src/base/failure.ts';
import { printable, printableJson, printableLines } from '../../../src/base/printable.ts';
import { tellReport } from '../../../src/cli/doctor.ts';
import { explainError, interruptionFor, tellFailure } from '../../../src/cli/failures.ts';
import { tellNotable } from '../../../src/cli/notableWords.ts';
import { JsonOutput, logTo, TextOutput } from '../../../src/cli/output.ts';
import type { Output } from '../../../src/cli/output.ts';
import { ReceivingWords } from '../../../src/cli/receivingWords.ts';
import { SendingWords } from '../../../src/cli/sendingWords.ts';
import type { IncomingTransfers } from '../../../src/engine/incomingTransfers.ts';
import type { Receiving } from '../../../src/engine/receiver.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import type { OfferSummary } from '../../../src/transfer/offerSummary.ts';
import type { Fingerprint } from '../../../src/peers/fingerprint.ts';
import { hostileExamination } from '../editor/support/state.ts';
import { HOSTILE_TEXTS, MARK } from '../support/hostileTexts.ts';

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const COUNTS = { published: 1, same: 0, skipped: 0, failed: 1, bytes: 1 };

/** What `say` writes to both streams, one item for each write. */
function writesOf(say: () => void): string[] {
  const writes: string[] = [];
  const write = (text: string | Uint8Array): boolean => writes.push(String(text)) > 0;
  const held = [process.stdout, process.stderr].map((stream) => mock.method(stream, 'write', write));
  try {
    say();
  } finally {
    for (const method of held) method.mock.restore();
  }
  return writes;
}

function summary(text: string): OfferSummary {
  return {
    transfer: 'ab'.repeat(16),
    label: text,
    totals: { entries: 1, files: 1, bytes: 1 },
    leftOut: 1,
    roots: [text],
    rootCount: 1,
    largest: [{ path: text, sizeBytes: 1 }],
    notable: { count: 9, first: [text, text] },
  };
}

/** Everything that is said while something is received. */
function receive(output: Output, text: string): void {
  const progress = {
    bytesDone: 1,
    bytesTotal: 2,
    entriesDone: 1,
    entriesTotal: 2,
    bytesPerSecond: 0,
    remainingMs: undefined,
  };
  const peer = { name: text, fingerprint: 'ab'.repeat(32) as Fingerprint };
  const failure = { code: 'unreachable', detail: text, origin: 'local' } as const;
  const left = { id: 'id', peer, label: text, progress, phase: 'interrupted', failure };
  let ending = 'ended';
  const transfers = {
    summaries: () => [left],
    summary: () => left,
    hasReceived: () => false,
    started: () => undefined,
    entryFailed: () => undefined,
    ended: () => ending,
    remove: () => undefined,
  } as unknown as IncomingTransfers;
  const words = new ReceivingWords(output, transfers, { isAsked: false, onEnd: () => undefined });
  const receiving = { peer, id: 'id', label: text, snapshot: () => progress } as unknown as Receiving;
  const end = { origin: 'remote', close: { code: 'internal', message: text } };
  const told = { end, transfer: 'id', leftOut: 1 };
  words.waiting();
  words.started(receiving);
  words.started({ ...receiving, id: 'unknown' });
  words.resumed('id');
  words.entryFailed(receiving, text, 'disk-error');
  words.refused(text, 'not-paired');
  for (const report of [
    { ...told, receipt: undefined },
    { ...told, receipt: { counts: COUNTS, root: 'cd'.repeat(32), names: [text, text] } },
    { ...told, receipt: { counts: COUNTS, root: 'cd'.repeat(32), names: [] } },
  ]) {
    words.ended(receiving, report as unknown as IncomingReport);
  }
  ending = 'interrupted';
  words.ended(receiving, { ...told, receipt: undefined } as unknown as IncomingReport);
  words.stop(true);
  words.ended(receiving, { ...told, receipt: undefined } as unknown as IncomingReport);
  output.unwatch();
}

/** … and while something is sent. */
function send(output: Output, text: string): void {
  const words = new SendingWords(output, { isResumed: false, bytesBefore: 0 });
  words.connected({ name: text, fingerprint: 'ab'.repeat(32) as Fingerprint, address: text });
  const observer = words.observer(() => assert.fail('nothing is asked'));
  observer.leftOut?.(text, 'name-refused');
  observer.entryFailed?.(text, 'name-taken');
  observer.skipped?.(text);
}

function sayEverything(output: Output, text: string): void {
  tellNotable(output, summary(text));
  receive(output, text);
  send(output, text);
  tellReport(hostileExamination(text).report, output);
  for (const code of [...SESSION_FAILURES, ...ENTRY_FAILURES]) {
    for (const role of ['sender', 'receiver'] as const) {
      tellFailure(explainError(new CourierError(code, text), role), output);
      output.problem(interruptionFor(code, { role, origin: 'local' }, text));
    }
  }
  tellFailure(explainError(new Error(text), 'sender'), output);
  logTo(output).warn(text);
}

for (const text of HOSTILE_TEXTS) {
  test(`case 170, 173: only text in the terminal: ${printable(text, 50)}`, () => {
    const harmless = writesOf(() => sayEverything(new TextOutput(), MARK));
    const writes = writesOf(() => sayEverything(new TextOutput(), text));
    assert.equal(writes.length, harmless.length);
    for (const written of writes) {
      assert.equal(written.at(-1), '\n');
      assert.doesNotMatch(written.slice(0, -1), INVISIBLE);
    }
    assert.ok(writes.filter((written) => written.includes(MARK)).length > 20);
  });

  test(`case 170, 173: JSON does nothing to a terminal and reads back as it was: ${printable(text, 50)}`, () => {
    const writes = writesOf(() => sayEverything(new JsonOutput(), text));
    const labels = writes.map((written) => {
      assert.equal(written.at(-1), '\n');
      assert.doesNotMatch(written.slice(0, -1), INVISIBLE);
      const { label } = JSON.parse(written) as { readonly label?: unknown };
      return label;
    });
    assert.ok(labels.includes(text));
    assert.deepEqual(JSON.parse(printableJson({ [text]: text })), { [text]: text });
  });

  test(`case 173: a log keeps each of its lines apart: ${printable(text, 50)}`, () => {
    const [first = '', ...others] = printableLines(`at ${text}\n${text}`).split('\n');
    for (const line of [first, ...others]) assert.doesNotMatch(line, INVISIBLE);
    for (const line of others) assert.match(line, /^ {4}/u);
  });
}

test('case 173: a log of many lines is cut', () => {
  const lines = printableLines('line\n'.repeat(100_000)).split('\n');
  assert.equal(lines.length, 51);
});

test('case 61, 177: the terminal points out what programs may run or obey, before anything is opened', () => {
  const offer = { ...summary('project'), notable: { count: 3, first: ['project/.git', 'project/a.exe'] } };
  assert.deepEqual(
    writesOf(() => tellNotable(new TextOutput(), offer)),
    [
      'Look at project before you open it: programs may run or obey 3 things in it (project/.git, project/a.exe, …).\n',
    ],
  );
  const nothing = { ...offer, notable: { count: 0, first: [] } };
  assert.deepEqual(
    writesOf(() => tellNotable(new TextOutput(), nothing)),
    [],
  );
});
