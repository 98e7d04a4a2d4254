import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import type { Decision } from '../../src/protocol/chunkLayout.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import { Delivery, DELIVERED_MS } from '../support/delivery.ts';
import { pictureOf } from '../support/folderPicture.ts';
import type { FolderPicture } from '../support/folderPicture.ts';
import { treeOf } from '../support/memoryTree.ts';
import { scratchFolder } from '../support/scratch.ts';

/** What happens when a name is taken: before the offer, between its plan and its end, or by a neighbour. */

const POLICIES: readonly ConflictPolicy[] = ['skip', 'keep-both', 'replace'];
const ID = 'ab'.repeat(16);

const offered = treeOf({
  note: Buffer.from('new note'),
  album: null,
  'album/in': null,
  'album/in/song': Buffer.from('new song'),
});

interface Place {
  readonly folder: string;
  readonly outside: string;
}

function places(t: TestContext): Place {
  const base = scratchFolder(t);
  const place = { folder: join(base, 'received'), outside: join(base, 'outside') };
  mkdirSync(place.folder);
  mkdirSync(place.outside);
  writeFileSync(join(place.outside, 'secret'), 'theirs');
  return place;
}

/** What may stand under a name, and how it gets there. */
const intruders: Readonly<Record<string, (location: string, place: Place) => void>> = {
  'a file': (location) => writeFileSync(location, 'theirs'),
  'an empty folder': (location) => mkdirSync(location),
  'a folder with a file': (location) => {
    mkdirSync(location);
    writeFileSync(join(location, 'kept'), 'theirs');
  },
  'a link to a file': (location, { outside }) => symlinkSync(join(outside, 'secret'), location),
  'a link to a folder': (location, { outside }) => symlinkSync(outside, location),
  'a link to nothing': (location, { outside }) => symlinkSync(join(outside, 'nowhere'), location),
  'a pipe': (location) => void execFileSync('mkfifo', [location]),
};

function open(
  { folder }: Place,
  onConflict: ConflictPolicy,
  id = ID,
): ReturnType<ReceiveFolder['openTransfer']> {
  return ReceiveFolder.open(folder).openTransfer(id, onConflict);
}

function below(picture: FolderPicture, name: string): FolderPicture {
  return Object.fromEntries(
    Object.entries(picture).filter(([path]) => path === name || path.startsWith(`${name}/`)),
  );
}

for (const [intruder, plant] of Object.entries(intruders)) {
  for (const policy of POLICIES) {
    for (const name of ['note', 'album']) {
      test(`${policy}: ${intruder} that appears as ${name} after the plan is never overwritten`, async (t) => {
        const place = places(t);
        const delivery = new Delivery(open(place, policy), offered);
        assert.deepEqual(new Set(Object.values(await delivery.plan())), new Set(['take']));
        await delivery.writeAll();
        plant(join(place.folder, name), place);
        const before = pictureOf(place.folder, STAGING_FOLDER);
        const { failures } = await delivery.publish();
        const after = pictureOf(place.folder);

        const isReplaced = policy === 'replace' && name === 'note' && intruder === 'a file';
        const isKeptFrom = name === 'note' && policy !== 'keep-both' && !isReplaced;
        if (isReplaced) assert.equal(after[`${STAGING_FOLDER}/replaced/${ID}/note`], 'theirs');
        else assert.deepEqual(below(after, name), below(before, name));
        assert.deepEqual(failures, isKeptFrom ? [{ page: 0, position: 3, reason: 'name-taken' }] : []);
        // What was sent is there whole, under its own name or beside the intruder.
        const second = isReplaced || isKeptFrom ? name : `${name} (2)`;
        if (name === 'album') assert.equal(after[`${second}/in/song`], 'new song');
        else assert.equal(after['album/in/song'], 'new song');
        if (name === 'note' && !isKeptFrom) assert.equal(after[second], 'new note');
        if (name === 'album') assert.equal(after['note'], 'new note');
        assert.deepEqual(pictureOf(place.outside), { secret: 'theirs' });
      });
    }
  }
}

/** Decisions by policy: skip, keep both, replace. */
const planned: readonly (readonly [string, string, readonly [Decision, Decision, Decision]])[] = [
  ['note', 'a file', ['skip', 'take', 'take']],
  ['note', 'an empty folder', ['skip', 'take', 'refuse']],
  ['note', 'a link to a file', ['skip', 'take', 'refuse']],
  ['note', 'a link to nothing', ['skip', 'take', 'refuse']],
  ['note', 'a pipe', ['skip', 'take', 'refuse']],
  ['album', 'an empty folder', ['same', 'take', 'same']],
  ['album', 'a file', ['skip', 'take', 'refuse']],
  ['album', 'a link to a folder', ['skip', 'take', 'refuse']],
  ['album', 'a link to nothing', ['skip', 'take', 'refuse']],
];

for (const [name, intruder, decisions] of planned) {
  const shown = intruder.startsWith('a link') ? 'case 62: ' : '';
  test(`${shown}the plan when ${intruder} is there as ${name}`, async (t) => {
    for (const [at, policy] of POLICIES.entries()) {
      const place = places(t);
      intruders[intruder]?.(join(place.folder, name), place);
      const before = pictureOf(place.folder);
      const destination = open(place, policy);
      const delivery = new Delivery(destination, offered);
      const plan = await delivery.plan();
      assert.equal(plan[name], decisions[at], policy);
      // What lies in a folder that is not taken is not taken either.
      if (name === 'album' && plan['album'] !== 'same') {
        assert.equal(plan['album/in/song'], plan['album'], policy);
      }
      await delivery.writeAll();
      const { failures } = await delivery.publish();
      assert.deepEqual(failures, [], policy);
      const after = pictureOf(place.folder);
      if (policy !== 'replace' || plan[name] === 'refuse') {
        assert.deepEqual({ ...after, ...before }, after, policy);
      }
      assert.deepEqual(pictureOf(place.outside), { secret: 'theirs' });
    }
  });
}

test('a file of the same size and time is there already, if it may be replaced', async (t) => {
  const stale = [
    ['new note', DELIVERED_MS / 1000 + 0.000_0005, 'same'],
    ['new note', DELIVERED_MS / 1000 + 1, 'take'],
    ['longer note', DELIVERED_MS / 1000 + 0.000_0005, 'take'],
  ] as const;
  for (const [text, time, decision] of stale) {
    const place = places(t);
    writeFileSync(join(place.folder, 'note'), text);
    utimesSync(join(place.folder, 'note'), time, time);
    const destination = open(place, 'replace');
    assert.equal((await new Delivery(destination, offered).plan())['note'], decision, text);
  }
});

test('a folder that is there is merged into; what is in it decides file by file', async (t) => {
  for (const policy of POLICIES) {
    const place = places(t);
    mkdirSync(join(place.folder, 'album', 'in'), { recursive: true });
    writeFileSync(join(place.folder, 'album', 'mine'), 'mine');
    writeFileSync(join(place.folder, 'album', 'in', 'song'), 'my song');
    const tree = treeOf({
      album: null,
      'album/in': null,
      'album/in/song': 900,
      'album/new': null,
      'album/new/one': 7,
    });
    const { failures, names } = await new Delivery(open(place, policy), tree).deliver();
    assert.deepEqual(failures, []);
    const after = pictureOf(place.folder);
    assert.equal(after['album/mine'], 'mine', policy);
    assert.equal(after['album/in/song'] === 'my song', policy !== 'replace', policy);
    assert.equal(after['album/new/one']?.length, policy === 'keep-both' ? undefined : 7, policy);
    assert.equal(after['album (2)/in/song']?.length, policy === 'keep-both' ? 900 : undefined);
    assert.equal(
      after[`${STAGING_FOLDER}/replaced/${ID}/album/in/song`],
      policy === 'replace' ? 'my song' : undefined,
    );
    assert.deepEqual(names, policy === 'keep-both' ? ['album (2)'] : []);
  }
});

test('folders merged into one that is there keep their own times', async (t) => {
  const place = places(t);
  mkdirSync(join(place.folder, 'album'));
  const tree = treeOf({
    album: null,
    'album/new': null,
    'album/new/a': null,
    'album/new/a/b': null,
    'album/new/file': 3,
  });
  await new Delivery(open(place, 'skip'), tree).deliver();
  for (const path of ['album/new', 'album/new/a', 'album/new/a/b', 'album/new/file']) {
    assert.equal(Math.floor(statSync(join(place.folder, path)).mtimeMs), DELIVERED_MS, path);
  }
});

test('a file that appears inside a merged folder fails alone', async (t) => {
  const place = places(t);
  mkdirSync(join(place.folder, 'album'));
  const tree = treeOf({ album: null, 'album/a': 5, 'album/b': 300_000, 'album/c': 6 });
  const delivery = new Delivery(open(place, 'skip'), tree);
  await delivery.plan();
  await delivery.writeAll();
  writeFileSync(join(place.folder, 'album', 'b'), 'mine');
  assert.deepEqual((await delivery.publish()).failures, [{ page: 0, position: 2, reason: 'name-taken' }]);
  const after = pictureOf(place.folder);
  assert.deepEqual([after['album/a']?.length, after['album/b'], after['album/c']?.length], [5, 'mine', 6]);
  assert.equal(existsSync(join(place.folder, STAGING_FOLDER)), false);
});

test('keep both finds a name however long the first one is, and however many are taken', async (t) => {
  const place = places(t);
  const long = '문'.repeat(85);
  const withType = `${'é'.repeat(125)}.jpg`;
  const tree = treeOf({ [long]: null, [`${long}/in`]: 1, [withType]: 2, '.hidden': 3, 'a.tar.gz': 4 });
  for (let time = 0; time < 3; time += 1) {
    const id = `${time}`.repeat(32);
    assert.deepEqual((await new Delivery(open(place, 'keep-both', id), tree).deliver()).failures, []);
  }
  assert.deepEqual(
    new Set(Object.keys(pictureOf(place.folder)).filter((path) => !path.includes('/'))),
    new Set([
      long,
      `${'문'.repeat(83)} (2)`,
      `${'문'.repeat(83)} (3)`,
      withType,
      `${'é'.repeat(123)} (2).jpg`,
      `${'é'.repeat(123)} (3).jpg`,
      '.hidden',
      '.hidden (2)',
      '.hidden (3)',
      'a.tar.gz',
      'a.tar (2).gz',
      'a.tar (3).gz',
    ]),
  );
});

test('two transfers at once into one folder with the same names both arrive whole', async (t) => {
  for (const policy of POLICIES) {
    const place = places(t);
    const trees = ['1', '2'].map((text) =>
      treeOf({
        note: Buffer.from(text),
        album: null,
        'album/a': Buffer.from(text),
        'album/b': Buffer.from(text.repeat(400_000)),
      }),
    );
    const deliveries = trees.map((tree, at) => new Delivery(open(place, policy, `${at}`.repeat(32)), tree));
    for (const delivery of deliveries) await delivery.plan();
    await Promise.all(deliveries.map((delivery) => delivery.writeAll()));
    const publications = await Promise.all(deliveries.map((delivery) => delivery.publish()));
    const after = pictureOf(place.folder);
    for (const album of ['album', 'album (2)']) {
      const [a = '', b = ''] = [after[`${album}/a`], after[`${album}/b`]];
      assert.equal(b, a.repeat(400_000), `${policy}: ${album} is of one transfer`);
    }
    assert.notEqual(after['album/a'], after['album (2)/a']);
    const failed = publications.flatMap(({ failures }) => failures.map(({ reason }) => reason));
    const backups = Object.entries(after).filter(
      ([path]) => path.includes('/replaced/') && path.endsWith('/note'),
    );
    const notes = [after['note'], after['note (2)'], ...backups.map(([, text]) => text)];
    assert.deepEqual(failed, policy === 'skip' ? ['name-taken'] : []);
    assert.deepEqual(notes.filter((text) => text !== undefined).length, policy === 'skip' ? 1 : 2, policy);
  }
});

test('case 76: one transfer is received once at a time', async (t) => {
  const place = places(t);
  const first = open(place, 'keep-both');
  const delivery = new Delivery(first, offered);
  await delivery.plan();
  await delivery.writeAll();
  assert.throws(
    () => open(place, 'keep-both'),
    (error) => CourierError.is(error, 'busy'),
  );
  await delivery.publish();
  assert.equal(pictureOf(place.folder)['note'], 'new note');
  const again = open(place, 'keep-both');
  await again.abandon();
  rmSync(join(place.folder, 'note'));
});

test('an older version is read only to be replaced, and only as far as it goes', async (t) => {
  for (const policy of POLICIES) {
    const place = places(t);
    writeFileSync(join(place.folder, 'big'), Buffer.alloc(300_000, 1));
    for (const name of ['same', 'shorter', 'longer']) writeFileSync(join(place.folder, name), 'old!');
    mkdirSync(join(place.folder, 'dir'));
    const tree = treeOf({ big: 700_000, same: 4, shorter: 5, longer: 3, absent: 10, 'absent big': 300_000 });
    const destination = open(place, policy);
    const delivery = new Delivery(destination, tree);
    await delivery.plan();
    const older = async (path: string, offset: number, length: number): Promise<string | undefined> => {
      const file = delivery.file(path);
      assert.equal(destination.hasHeld(file), policy === 'replace', path);
      const held = await destination.readHeld(file, offset, length);
      assert.notEqual(held?.isInPlace, true);
      return held === undefined ? undefined : Buffer.from(held.bytes).toString('latin1');
    };
    if (policy === 'keep-both') assert.equal(await older('big', 0, 262_144), undefined);
    if (policy !== 'replace') continue;
    assert.ok((await older('big', 262_144, 300_000 - 262_144)) === '\u0001'.repeat(300_000 - 262_144));
    assert.equal(await older('big', 262_144, 262_144), undefined, 'beyond the end');
    assert.equal(await older('big', 524_288, 10), undefined, 'all beyond the end');
    assert.equal(await older('same', 0, 4), 'old!');
    assert.equal(await older('shorter', 0, 5), undefined);
    assert.equal(await older('longer', 0, 3), undefined);
    assert.equal(await older('absent', 0, 10), undefined);
    assert.equal(await older('absent big', 0, 262_144), undefined);
    await destination.abandon();
  }
});

test('an older version is never read through a link, nor out of a pipe', { timeout: 20_000 }, async (t) => {
  for (const intruder of ['a link to a file', 'a link to nothing', 'a pipe', 'an empty folder']) {
    const place = places(t);
    const destination = open(place, 'replace');
    const delivery = new Delivery(destination, treeOf({ note: Buffer.from('thiefs') }));
    await delivery.plan();
    intruders[intruder]?.(join(place.folder, 'note'), place);
    assert.equal(await destination.readHeld(delivery.file('note'), 0, 6), undefined, intruder);
    await destination.abandon();
  }
});
