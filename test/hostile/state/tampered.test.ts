import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CourierError } from '../../../src/base/failure.ts';
import { holdEndpoint } from '../../../src/engine/endpoint.ts';
import { HistoryFile } from '../../../src/engine/historyFile.ts';
import { RecordFiles } from '../../../src/engine/jobFiles.ts';
import type { AcceptedRecord, JobRecord } from '../../../src/engine/jobFiles.ts';
import { ReceiverNote } from '../../../src/engine/receiverNote.ts';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import { loadIdentity } from '../../../src/node/identity/identityFile.ts';
import { inviteName } from '../../../src/peers/invite.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** What a device keeps, changed by somebody else or by a disk that lies. */

const ID = 'a'.repeat(32);
const OTHER_ID = 'b'.repeat(32);
const isUnusable = (error: unknown): boolean => CourierError.is(error, 'state-unusable');

function notes() {
  const warnings: string[] = [];
  return { warnings, logger: { debug: () => undefined, warn: (text: string) => void warnings.push(text) } };
}

const job: JobRecord = {
  id: ID,
  paths: ['/home/me/reports'],
  peer: '1'.repeat(64),
  label: 'reports',
  useGitignore: false,
  leaveOutSecrets: true,
  startedAtMs: 1,
  isPaused: false,
  wasAccepted: true,
};

const accepted: AcceptedRecord = {
  id: ID,
  peer: '1'.repeat(64),
  peerName: 'Anna',
  label: 'reports',
  folder: '/somewhere',
  onConflict: 'keep-both',
  agreed: { roots: ['reports'], rootCount: 1, files: 1, bytes: 2 },
  startedAtMs: 1,
};

const seen = { progress: { bytesDone: 43, bytesTotal: 100, entriesDone: 1, entriesTotal: 2 } };

const received = {
  id: ID,
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

/** The file with each of its bytes flipped in turn, in three ways. */
function eachFlip(file: string, look: (what: string) => void): void {
  const good = readFileSync(file);
  for (let at = 0; at < good.length; at += 1) {
    for (const bit of [0x01, 0x20, 0x80]) {
      const flipped = Buffer.from(good);
      flipped[at] = (flipped[at] ?? 0) ^ bit;
      writeFileSync(file, flipped);
      look(`byte ${at}, bit ${bit}`);
    }
  }
  writeFileSync(file, good);
}

test('case 70: any byte of a record flipped: it is passed over with a note, or is a whole record of that transfer', (t) => {
  const folder = scratchFolder(t);
  const { logger, warnings } = notes();
  const jobs = RecordFiles.jobs(join(folder, 'jobs'), logger);
  const agreed = RecordFiles.accepted(join(folder, 'accepted'), logger);
  jobs.write(job);
  agreed.write(accepted);
  let passedOver = 0;
  for (const [kind, files, record] of [
    ['jobs', jobs, job],
    ['accepted', agreed, accepted],
  ] as const) {
    eachFlip(join(folder, kind, `${ID}.json`), (what) => {
      const before = warnings.length;
      const [found] = files.list();
      if (found === undefined) {
        passedOver += 1;
        assert.ok(warnings.length > before, `${what}: nobody was told`);
        assert.equal(files.find(ID)?.id, undefined, what);
        return;
      }
      assert.equal(found.id, ID, what);
      assert.deepEqual(Object.keys(found).toSorted(), Object.keys(record).toSorted(), what);
      assert.match(found.peer, /^[0-9a-f]{64}$/u, what);
    });
  }
  assert.ok(passedOver > 500, `${passedOver} damaged records`);
  assert.deepEqual([jobs.list(), agreed.list()], [[job], [accepted]]);
});

test('case 70: any byte of a last-seen file flipped: it says nothing, or how far the transfer was', (t) => {
  const folder = scratchFolder(t);
  const jobs = RecordFiles.jobs(folder, notes().logger);
  jobs.write(job);
  jobs.noteLastSeen(ID, seen);
  eachFlip(join(folder, `${ID}.last-seen`), (what) => {
    const found = jobs.lastSeen(ID);
    if (found !== undefined) {
      assert.ok(
        Object.values(found.progress).every((count) => Number.isSafeInteger(count) && count >= 0),
        what,
      );
    }
    assert.deepEqual(jobs.list(), [job], what);
  });
});

test('case 71: a record of another transfer, of a newer version, empty, of zeros: passed over, with a note', (t) => {
  const folder = scratchFolder(t);
  const texts = {
    'another version': JSON.stringify({ ...accepted, version: 2 }),
    empty: '',
    zeros: '\0'.repeat(10_000),
  };
  for (const [what, text] of Object.entries(texts)) {
    const { logger, warnings } = notes();
    const files = RecordFiles.accepted(folder, logger);
    writeFileSync(join(folder, `${ID}.json`), text);
    assert.deepEqual([files.list(), files.find(ID)], [[], undefined], what);
    assert.equal(warnings.length, 2, what);
  }
  const files = RecordFiles.accepted(folder, notes().logger);
  writeFileSync(join(folder, `${ID}.json`), JSON.stringify({ ...accepted, id: OTHER_ID }));
  assert.deepEqual(files.list(), []);
  assert.equal(files.find(ID), undefined, 'a yes to one transfer is none to another');
});

test('case 71: a history of a newer version, empty, of zeros is put aside, with a note', (t) => {
  const file = join(scratchFolder(t), 'received.json');
  for (const text of [JSON.stringify({ version: 2, received: [received] }), '', '\0'.repeat(10_000)]) {
    const { logger, warnings } = notes();
    writeFileSync(file, text);
    const history = HistoryFile.open(file, logger);
    assert.deepEqual(history.list(), []);
    assert.equal(readFileSync(`${file}.damaged`, 'utf8'), text);
    assert.equal(warnings.length, 1);
  }
});

/** Highest resident memory of this process so far, bytes. */
function peakBytes(): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/u.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

const MIB = 1024 ** 2;
/** One that could be read whole, and one that could not. */
const SIZES = [400 * MIB, 10 * 1024 * MIB];

/** Each reader of state, with what it makes of a file that is much too long; `file` has been made by it. */
const readers: Readonly<
  Record<string, (folder: string, grow: (file: string) => void) => Promise<void> | void>
> = {
  'known peers'(folder, grow) {
    const { peers } = new StateFolder(folder);
    const fingerprint = parseFingerprint('1'.repeat(64)) ?? assert.fail();
    peers.remember({ fingerprint, name: 'Anna', addresses: [] });
    grow(join('peers', fingerprint, 'peer.json'));
    assert.throws(() => peers.list(), isUnusable);
    assert.throws(() => peers.remember({ fingerprint, name: 'Anna', addresses: [] }), isUnusable);
  },
  async identity(folder, grow) {
    const file = join(folder, 'identity.pem');
    await loadIdentity(file);
    grow('identity.pem');
    await assert.rejects(loadIdentity(file), isUnusable);
  },
  invites(folder, grow) {
    const { invites } = new StateFolder(folder);
    const { id } = invites.create();
    grow(join('invites', `${inviteName(id)}.json`));
    assert.equal(invites.tokenOf(inviteName(id)), undefined);
  },
  'where a receiver listens'(folder, grow) {
    const state = new StateFolder(folder);
    state.recordListening([{ host: '10.0.0.1', port: 5 }]);
    grow('listening.json');
    assert.deepEqual(state.listeningAddresses(), []);
  },
  records(folder, grow) {
    const { logger, warnings } = notes();
    const files = RecordFiles.jobs(folder, logger);
    files.write(job);
    grow(`${ID}.json`);
    assert.deepEqual([files.list(), files.find(ID)], [[], undefined]);
    assert.equal(warnings.length, 2);
  },
  'last seen'(folder, grow) {
    const files = RecordFiles.jobs(folder, notes().logger);
    files.noteLastSeen(ID, seen);
    grow(`${ID}.last-seen`);
    assert.equal(files.lastSeen(ID), undefined);
  },
  history(folder, grow) {
    const { logger, warnings } = notes();
    const file = join(folder, 'received.json');
    HistoryFile.open(file, logger).add(received);
    grow('received.json');
    assert.deepEqual(HistoryFile.open(file, logger).list(), []);
    assert.equal(warnings.length, 1);
  },
  'the note that the receiver was on'(folder, grow) {
    const note = new ReceiverNote(join(folder, 'receiver-was-on'));
    note.leave(1000);
    grow('receiver-was-on');
    assert.equal(note.take(1001), false);
  },
  async endpoint(folder, grow) {
    (await holdEndpoint(folder, (socket) => socket.destroy()))?.close();
    grow('endpoint.json');
    const held = await holdEndpoint(folder, (socket) => socket.destroy());
    assert.match(held?.token ?? '', /^[0-9a-f]{64}$/u, 'nothing hangs on the old one: it is made anew');
    held?.close();
  },
};

for (const [what, read] of Object.entries(readers)) {
  test(`case 71: ${what}: a file of gigabytes is not read, and counts as damaged`, async (t) => {
    for (const size of SIZES) {
      const folder = scratchFolder(t);
      let before = 0;
      await read(folder, (file) => {
        truncateSync(join(folder, file), size);
        before = peakBytes();
      });
      assert.ok(before > 0);
      assert.ok(
        peakBytes() - before < 64 * MIB,
        `${(peakBytes() - before) / MIB} MiB for a file of ${size / MIB}`,
      );
    }
  });

  test(`case 71: ${what}: a pipe in its place is not waited for`, { timeout: 20_000 }, async (t) => {
    const folder = scratchFolder(t);
    await read(folder, (file) => {
      rmSync(join(folder, file));
      execFileSync('mkfifo', [join(folder, file)]);
    });
  });
}

test('case 73: any byte of the known peers flipped: an error, or one pin that no other key fits; never everybody', (t) => {
  const folder = scratchFolder(t);
  const { peers } = new StateFolder(folder);
  const anna = parseFingerprint('0123456789abcdef'.repeat(4)) ?? assert.fail();
  const stranger = parseFingerprint('5'.repeat(64)) ?? assert.fail();
  peers.remember({ fingerprint: anna, name: 'Anna', addresses: [{ host: '10.0.0.1', port: 5 }] });
  let errors = 0;
  peers.rename(anna, 'Anna from work');
  const shown = { version: 1, fingerprint: anna, of: 'Anna from work', name: 'Anna from work (2)' };
  writeFileSync(join(folder, 'peers', anna, 'shown.json'), JSON.stringify(shown));
  for (const name of ['peer.json', 'name.json', 'shown.json']) {
    eachFlip(join(folder, 'peers', anna, name), (what) => {
      try {
        assert.equal(peers.list().length, 1, what);
        assert.equal(peers.find(stranger), undefined, what);
      } catch (error) {
        if (!isUnusable(error)) throw error;
        errors += 1;
      }
    });
  }
  assert.ok(errors > 400, `${errors} errors`);
  assert.equal(peers.list().length, 1);
});

test('case 73: any byte of a policy flipped: it asks and says so, or is one policy; a block is never let in', (t) => {
  const folder = scratchFolder(t);
  const { peers } = new StateFolder(folder);
  const anna = parseFingerprint('0123456789abcdef'.repeat(4)) ?? assert.fail();
  peers.remember({ fingerprint: anna, name: 'Anna', addresses: [] });
  peers.setPolicy(anna, { kind: 'accept', upToBytes: 1000, folder: '/home/me/in' });
  let unreadable = 0;
  eachFlip(join(folder, 'peers', anna, 'policy.json'), (what) => {
    const { policy } = peers.find(anna) ?? assert.fail(what);
    if (policy.kind === 'unreadable') unreadable += 1;
    else assert.ok(policy.kind === 'accept' && policy.upToBytes < 10_000, what);
  });
  assert.ok(unreadable > 300, `${unreadable} unreadable`);
  peers.setPolicy(anna, { kind: 'block' });
  eachFlip(join(folder, 'peers', anna, 'policy.json'), (what) => {
    assert.deepEqual(peers.find(anna)?.policy, { kind: 'block' }, what);
  });
  writeFileSync(join(folder, 'peers', anna, 'blocked'), Buffer.alloc(1000));
  assert.deepEqual(peers.find(anna)?.policy, { kind: 'block' });
});

test('case 73: known peers cut off anywhere are an error, and stay as they are', (t) => {
  const folder = scratchFolder(t);
  const { peers } = new StateFolder(folder);
  const fingerprint = parseFingerprint('1'.repeat(64)) ?? assert.fail();
  peers.remember({ fingerprint, name: 'Anna', addresses: [] });
  const file = join(folder, 'peers', fingerprint, 'peer.json');
  const text = readFileSync(file, 'utf8');
  for (let length = 0; length < text.length; length += 1) {
    writeFileSync(file, text.slice(0, length));
    assert.throws(() => peers.list(), isUnusable, `${length} bytes`);
    assert.throws(() => peers.remember({ fingerprint, name: 'Anna', addresses: [] }), isUnusable);
    assert.equal(readFileSync(file, 'utf8'), text.slice(0, length));
  }
});
