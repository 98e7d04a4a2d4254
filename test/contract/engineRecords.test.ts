import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HistoryFile } from '../../src/engine/historyFile.ts';
import { RecordFiles } from '../../src/engine/jobFiles.ts';
import type { AcceptedRecord, LastSeen } from '../../src/engine/jobFiles.ts';
import type { ReceivedSummary } from '../../src/rpc/model.ts';
import { scratchFolder } from '../support/scratch.ts';

function notes() {
  const warnings: string[] = [];
  return { warnings, logger: { debug: () => undefined, warn: (text: string) => void warnings.push(text) } };
}

function accepted(digit: string): AcceptedRecord {
  return {
    id: digit.repeat(32),
    peer: '1'.repeat(64),
    peerName: 'Anna',
    label: 'reports',
    folder: '/somewhere',
    onConflict: 'keep-both',
    agreed: { roots: ['reports'], rootCount: 1, files: 1, bytes: 2 },
    startedAtMs: 1,
  };
}

function received(id: string): ReceivedSummary {
  return {
    id,
    label: 'reports',
    peer: { name: 'Anna', fingerprint: '1'.repeat(64) },
    folder: '/somewhere',
    names: ['reports'],
    files: 1,
    folders: 0,
    bytes: 2,
    digest: 'ab',
    receivedAtMs: 3,
  };
}

test('records are kept, private, and gone when they are removed', (t) => {
  const folder = join(scratchFolder(t), 'accepted');
  const { logger } = notes();
  const files = RecordFiles.accepted(folder, logger);
  assert.deepEqual(files.list(), []);
  files.write(accepted('a'));
  files.write(accepted('b'));
  files.write({ ...accepted('a'), label: 'changed' });
  files.remove(accepted('b').id);
  assert.deepEqual(RecordFiles.accepted(folder, logger).list(), [{ ...accepted('a'), label: 'changed' }]);
  assert.equal(statSync(join(folder, `${'a'.repeat(32)}.json`)).mode % 0o1000, 0o600);
});

test('a damaged record is passed over and told; one under another name, too', (t) => {
  const folder = join(scratchFolder(t), 'accepted');
  const { logger, warnings } = notes();
  const files = RecordFiles.accepted(folder, logger);
  files.write(accepted('a'));
  for (const text of ['', '{}', '[]', 'null', JSON.stringify({ ...accepted('c'), more: 1 })]) {
    writeFileSync(join(folder, `${'c'.repeat(32)}.json`), text);
    assert.deepEqual(files.list(), [accepted('a')]);
  }
  writeFileSync(join(folder, `${'c'.repeat(32)}.json`), JSON.stringify(accepted('a')));
  assert.deepEqual(files.list(), [accepted('a')]);
  assert.equal(warnings.length, 6);
});

test('one record is read as it stands on the disk now', (t) => {
  const folder = join(scratchFolder(t), 'accepted');
  const { logger, warnings } = notes();
  const [one, other] = [RecordFiles.accepted(folder, logger), RecordFiles.accepted(folder, logger)];
  const record = { ...accepted('a'), folderIdentity: { dev: 1, ino: 2 } };
  one.write(record);
  assert.deepEqual(other.find(record.id), record);
  one.remove(record.id);
  assert.equal(other.find(record.id), undefined);
  assert.deepEqual(warnings, []);
  writeFileSync(join(folder, `${record.id}.json`), '{"id":');
  assert.equal(other.find(record.id), undefined);
  assert.equal(warnings.length, 1);
});

test('how a transfer was last seen survives beside its record, and goes with it', (t) => {
  const folder = join(scratchFolder(t), 'accepted');
  const { logger, warnings } = notes();
  const files = RecordFiles.accepted(folder, logger);
  const { id } = accepted('a');
  const seen: LastSeen = {
    progress: { bytesDone: 43, bytesTotal: 100, entriesDone: 1, entriesTotal: 2 },
    failure: { code: 'not-listening', detail: '127.0.0.1:1', origin: 'local' },
  };
  assert.equal(files.lastSeen(id), undefined);
  files.write(accepted('a'));
  files.noteLastSeen(id, seen);
  assert.deepEqual(RecordFiles.accepted(folder, logger).lastSeen(id), seen);
  assert.deepEqual(files.list(), [accepted('a')]);
  for (const text of ['', '{', '[]', JSON.stringify({ progress: { ...seen.progress, bytesDone: -1 } })]) {
    writeFileSync(join(folder, `${id}.last-seen`), text);
    assert.equal(files.lastSeen(id), undefined, text);
  }
  files.remove(id);
  assert.deepEqual(readdirSync(folder), []);
  // What cannot be written is not missed.
  RecordFiles.accepted(join(folder, 'gone'), logger).noteLastSeen(id, seen);
  assert.deepEqual(warnings, []);
});

test('an id that is none cannot become a path', (t) => {
  const { logger } = notes();
  const files = RecordFiles.accepted(scratchFolder(t), logger);
  assert.throws(() => files.write({ ...accepted('a'), id: '../../etc/passwd' }));
  assert.throws(() => files.remove('..'));
  assert.throws(() => files.find('../a'));
});

test('the history survives, latest first, each once, the oldest forgotten', (t) => {
  const file = join(scratchFolder(t), 'received.json');
  const { logger } = notes();
  const history = HistoryFile.open(file, logger);
  for (let at = 0; at < 502; at += 1) history.add(received(String(at)));
  history.add(received('400'));
  assert.equal(history.remove('501'), true);
  assert.equal(history.remove('501'), false);
  const again = HistoryFile.open(file, logger).list();
  assert.equal(again.length, 499);
  assert.deepEqual(
    again.slice(0, 3).map(({ id }) => id),
    ['400', '500', '499'],
  );
  assert.deepEqual(again[0], received('400'));
});

test('a damaged history is put aside', (t) => {
  const folder = scratchFolder(t);
  const file = join(folder, 'received.json');
  writeFileSync(file, 'nonsense');
  const { logger, warnings } = notes();
  const history = HistoryFile.open(file, logger);
  assert.deepEqual(history.list(), []);
  history.add(received('a'));
  assert.equal(readFileSync(`${file}.damaged`, 'utf8'), 'nonsense');
  assert.equal(warnings.length, 1);
  assert.equal(readdirSync(folder).length, 2);
});
