import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { loadIdentity } from '../../src/node/identity/identityFile.ts';
import { replaceFile, writeNewFile } from '../../src/node/state/stateFile.ts';
import { deadProcessId, runTogether } from '../support/children.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { portPictureOf } from '../support/portPicture.ts';
import { scratchFolder } from '../support/scratch.ts';
import { SimDisk } from '../support/simDisk.ts';

const isUnusable = (error: unknown): boolean => CourierError.is(error, 'state-unusable');

function modeOf(location: string): string {
  return (statSync(location).mode % 0o1000).toString(8);
}

// State files

test('a file is replaced by another one, whole, and only its owner reads it', (t) => {
  const file = join(scratchFolder(t), 'deeper', 'state.json');
  replaceFile(file, 'first, and longer');
  assert.equal(modeOf(file), '600');
  assert.equal(modeOf(join(file, '..')), '700');
  const before = statSync(file).ino;
  replaceFile(file, 'second');
  assert.equal(readFileSync(file, 'utf8'), 'second');
  // Another file has the name: who reads the old one goes on reading all of it.
  assert.notEqual(statSync(file).ino, before);
  assert.deepEqual(readdirSync(join(file, '..')), ['state.json']);
});

test('what is replaced is the link and not what it leads to', (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'outside'), 'theirs');
  symlinkSync('outside', join(folder, 'state'));
  assert.equal(writeNewFile(join(folder, 'state'), 'ours'), false);
  replaceFile(join(folder, 'state'), 'ours');
  assert.deepEqual(pictureOf(folder), { outside: 'theirs', state: 'ours' });
});

test('what is written outlives a power loss, with the folders that were made for it', () => {
  const disk = new SimDisk();
  const files = disk.mount();
  const found = (): Record<string, string> =>
    portPictureOf(disk.imageAfter(disk.operations.length, { keeps: () => false }).mount(), '/home/state');
  replaceFile('/home/state/peers', 'first', files);
  assert.deepEqual(found(), { peers: 'first' });
  replaceFile('/home/state/peers', 'second', files);
  assert.deepEqual(found(), { peers: 'second' });
  assert.equal(writeNewFile('/home/state/jobs/one', 'job', files), true);
  const { jobs, peers, 'jobs/one': job } = found();
  assert.deepEqual([jobs, peers, job], ['<folder>', 'second', 'job']);
});

test('a state folder that is a link is written in', { skip: process.platform === 'win32' }, (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync('elsewhere', join(folder, 'state'));
  replaceFile(join(folder, 'state', 'peers'), 'ours');
  assert.equal(writeNewFile(join(folder, 'state', 'new'), 'ours'), true);
  assert.deepEqual(readdirSync(join(folder, 'elsewhere')).toSorted(), ['new', 'peers']);
});

test('a write that fails leaves nothing behind', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'taken', 'in'), { recursive: true });
  assert.throws(() => replaceFile(join(folder, 'taken'), 'text'));
  assert.deepEqual(readdirSync(folder), ['taken']);
});

test('of many processes that make one file, one does, and its text stays', async (t) => {
  const folder = scratchFolder(t);
  const texts = Array.from({ length: 8 }, (_, at) => `written by ${at} `.repeat(1000));
  const results = await runTogether(
    'writeNewFile',
    texts.map((text) => [join(folder, 'one'), text]),
  );
  assert.deepEqual(results.filter((result) => result === true).length, 1);
  assert.deepEqual(pictureOf(folder), { one: texts[results.indexOf(true)] });
});

// Identity

test('an identity is made once, for its owner alone, and stays', async (t) => {
  const file = join(scratchFolder(t), 'state', 'identity.pem');
  const made = await loadIdentity(file);
  assert.equal(modeOf(file), '600');
  const text = readFileSync(file, 'utf8');
  assert.deepEqual(await loadIdentity(file), made);
  assert.equal(readFileSync(file, 'utf8'), text);
  const other = await loadIdentity(join(scratchFolder(t), 'identity.pem'));
  assert.notEqual(other.fingerprint, made.fingerprint);
});

test('processes that start at once end with one identity', async (t) => {
  const file = join(scratchFolder(t), 'identity.pem');
  const fingerprints = await runTogether(
    'identity',
    Array.from({ length: 4 }, () => [file]),
  );
  const { fingerprint: stored } = await loadIdentity(file);
  assert.deepEqual(new Set(fingerprints), new Set([stored]));
});

test('a damaged identity is an error and never replaced', async (t) => {
  const folder = scratchFolder(t);
  const file = join(folder, 'identity.pem');
  await loadIdentity(file);
  await loadIdentity(join(folder, 'other.pem'));
  const good = readFileSync(file, 'utf8');
  const other = readFileSync(join(folder, 'other.pem'), 'utf8');
  const at = good.indexOf('-----BEGIN CERTIFICATE');
  const cases: Readonly<Record<string, string>> = {
    empty: '',
    'half written': good.slice(0, good.length / 2),
    'without its certificate': good.slice(0, at),
    'without its key': good.slice(at),
    "with another's key": other.slice(0, other.indexOf('-----BEGIN CERTIFICATE')) + good.slice(at),
    'a byte off': good.slice(0, 100) + (good[100] === 'A' ? 'B' : 'A') + good.slice(101),
    foreign: 'hello',
  };
  for (const [what, text] of Object.entries(cases)) {
    writeFileSync(file, text);
    await assert.rejects(loadIdentity(file), isUnusable, what);
    assert.equal(readFileSync(file, 'utf8'), text, what);
  }
  rmSync(file);
  mkdirSync(file);
  await assert.rejects(loadIdentity(file), isUnusable);
});

// Who listens

const here = [
  { host: '10.0.0.1', port: 5 },
  { host: '::1', port: 6 },
];

test('a receiver that runs is found, one that has stopped is not', (t) => {
  const folder = scratchFolder(t);
  const state = new StateFolder(folder);
  assert.deepEqual(state.listeningAddresses(), []);
  state.recordListening(here);
  assert.deepEqual(new StateFolder(folder).listeningAddresses(), here);
  state.forgetListening();
  assert.deepEqual(state.listeningAddresses(), []);
  assert.deepEqual(readdirSync(folder), []);
});

test('the record of a process that is dead counts for nothing; that of another one is left alone', async (t) => {
  const folder = scratchFolder(t);
  const state = new StateFolder(folder);
  const record = (pid: unknown): void => {
    writeFileSync(join(folder, 'listening.json'), JSON.stringify({ pid, addresses: ['10.0.0.1:5'] }));
  };
  record(await deadProcessId());
  assert.deepEqual(state.listeningAddresses(), []);
  record(process.ppid);
  assert.equal(state.listeningAddresses().length, 1);
  state.forgetListening();
  assert.equal(state.listeningAddresses().length, 1);
  // No process has these ids, but signals to them mean something.
  for (const pid of [0, -1, 1.5, 2 ** 40, 'self', null]) {
    record(pid);
    assert.deepEqual(state.listeningAddresses(), [], String(pid));
  }
  writeFileSync(join(folder, 'listening.json'), '{');
  assert.deepEqual(state.listeningAddresses(), []);
});

// Pages of transfers

test('what a process left that was killed goes a day later, and nothing that may be in use', async (t) => {
  const state = new StateFolder(scratchFolder(t));
  state.sweep();
  const dead = await deadProcessId();
  const folders = {
    [state.incomingFolder('mine')]: 'stays',
    [state.outgoingFolder('mine')]: 'stays',
    [join(state.location, 'incoming', `${dead}-old`)]: 'goes',
    [join(state.location, 'outgoing', `${dead}-old`)]: 'goes',
    // Named before processes were.
    [join(state.location, 'outgoing', '00112233445566778899aabbccddeeff')]: 'goes',
    [join(state.location, 'outgoing', `${process.ppid}-another`)]: 'stays',
  };
  for (const folder of Object.keys(folders)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'manifest-0'), 'page');
    const longAgo = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(folder, longAgo, longAgo);
  }
  // On another machine, say, that shares the folder: its process ids are not ours.
  const recent = join(state.location, 'incoming', `${dead}-recent`);
  mkdirSync(recent);
  state.sweep();
  for (const [folder, fate] of Object.entries(folders)) {
    assert.equal(existsSync(folder) ? 'stays' : 'goes', fate, folder);
  }
  assert.ok(existsSync(recent));
});
