import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import { ManifestOrder } from '../../src/protocol/manifest.ts';
import type { Source, SourceItem } from '../../src/transfer/ports.ts';
import { NOBODY, runTask } from '../support/children.ts';
import { scratchFolder } from '../support/scratch.ts';

/** What listing a folder on disk leaves out, and why. */

const isRoot = process.getuid?.() === 0;

async function listAll(source: Source): Promise<SourceItem[]> {
  const items: SourceItem[] = [];
  for await (const item of source.list()) items.push(item);
  return items;
}

/** What listing one folder, offered as `root`, leaves out and why; `listed` is what it does not. */
async function look(folder: string): Promise<{ leftOut: Record<string, string>; listed: string[] }> {
  const items = await listAll(new FileSource([{ location: folder, name: 'root' }]));
  const order = new ManifestOrder();
  const found = { leftOut: {} as Record<string, string>, listed: [] as string[] };
  for (const item of items) {
    if (item.type === 'left-out') found.leftOut[item.path] = item.reason;
    else {
      order.add(item.entry);
      found.listed.push(item.entry.path);
    }
  }
  return found;
}

test('case 42: links are left out, wherever they lead', async (t) => {
  const folder = scratchFolder(t);
  const inside = join(folder, 'sent');
  mkdirSync(join(inside, 'real'), { recursive: true });
  writeFileSync(join(inside, 'real', 'file'), 'in');
  writeFileSync(join(folder, 'secret'), 'out');
  const links = {
    'to a file': join(folder, 'secret'),
    'to passwd': '/etc/passwd',
    'to a folder': folder,
    'to its parent': '..',
    'to itself': 'to itself',
    'to nothing': 'nowhere',
    'to its neighbour': 'real/file',
    'to a chain': 'to another',
    'to another': 'to a chain',
    // One more than the system follows, and the last leads out.
    ...Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`chain ${at}`, `chain ${at + 1}`])),
    'chain 40': join(folder, 'secret'),
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(inside, name));
  const { leftOut, listed } = await look(inside);
  assert.deepEqual(leftOut, Object.fromEntries(Object.keys(links).map((name) => [`root/${name}`, 'link'])));
  assert.deepEqual(listed, ['root', 'root/real', 'root/real/file']);
});

test(
  'case 44: a pipe, a socket and a device are left out and never block',
  { timeout: 20_000 },
  async (t) => {
    const folder = scratchFolder(t);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    if (isRoot) execFileSync('mknod', [join(folder, 'zero'), 'c', '1', '5']);
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(join(folder, 'socket'), resolve);
    });
    writeFileSync(join(folder, 'file'), '');
    const { leftOut, listed } = await look(folder);
    server.close();
    const devices = isRoot ? { 'root/zero': 'special' } : {};
    assert.deepEqual(leftOut, { 'root/pipe': 'special', 'root/socket': 'special', ...devices });
    assert.deepEqual(listed, ['root', 'root/file']);
  },
);

test('of names that other systems take for one, one is sent and it is always the same', async (t) => {
  const twins = [
    ['README', 'readme', 'ReadMe'],
    ['ﬁle', 'file', 'FILE'],
    ['café', 'cafe\u0301'],
    ['straße', 'STRASSE'],
  ];
  for (const names of twins) {
    for (const order of [names, names.toReversed()]) {
      const folder = scratchFolder(t);
      for (const name of order) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'in'), '');
      }
      const [first = '', ...others] = names.toSorted();
      const { leftOut, listed } = await look(folder);
      assert.deepEqual(listed, ['root', `root/${first}`, `root/${first}/in`]);
      assert.deepEqual(leftOut, Object.fromEntries(others.map((name) => [`root/${name}`, 'name-refused'])));
    }
  }
});

test('a twin that is left out anyway takes no name away', async (t) => {
  const folder = scratchFolder(t);
  symlinkSync('readme', join(folder, 'README'));
  writeFileSync(join(folder, 'readme'), '');
  assert.deepEqual(await look(folder), {
    leftOut: { 'root/README': 'link' },
    listed: ['root', 'root/readme'],
  });
});

test('names that no other system could store are left out, and all below them', async (t) => {
  const folder = scratchFolder(t);
  const refused = [
    'a:b',
    'what?',
    'x\\y',
    'con',
    'NUL.txt',
    'tail.',
    'tail ',
    'line\nbreak',
    'exe\u202egpj',
    '\u0001',
  ];
  for (const name of refused) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'in'), '');
  }
  writeFileSync(join(folder, 'fine'), '');
  const { leftOut, listed } = await look(folder);
  assert.deepEqual(leftOut, Object.fromEntries(refused.map((name) => [`root/${name}`, 'name-refused'])));
  assert.deepEqual(listed, ['root', 'root/fine']);
});

test('a name that is not UTF-8 is left out, and takes no other name away', async (t) => {
  const folder = scratchFolder(t);
  // Two that look the same once they are text, and one that really has that name.
  for (const bytes of [[0xff], [0xfe], [0x61, 0xe9]]) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]), 'mangled');
  }
  writeFileSync(join(folder, 'plain'), '');
  const { leftOut, listed } = await look(folder);
  assert.deepEqual(leftOut, { 'root/\ufffd': 'name-refused', 'root/a\ufffd': 'name-refused' });
  assert.deepEqual(listed, ['root', 'root/plain']);
  writeFileSync(join(folder, '\ufffd'), 'real');
  assert.ok((await look(folder)).listed.includes('root/\ufffd'));
});

test(
  'case 45: what may not be read is named, the rest is sent',
  { skip: isRoot ? false : 'only root can become another' },
  async (t) => {
    const folder = scratchFolder(t);
    for (const name of ['closed', 'open', 'unlistable']) mkdirSync(join(folder, name));
    for (const name of ['closed/in', 'open/mine', 'open/secret', 'unlistable/in']) {
      writeFileSync(join(folder, name), 'text');
    }
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'closed'), 0o600);
    chmodSync(join(folder, 'unlistable'), 0o644);
    chmodSync(join(folder, 'open', 'secret'), 0o600);
    chownSync(join(folder, 'open', 'mine'), NOBODY, NOBODY);
    assert.deepEqual(await runTask('listAndRead', [folder], { uid: NOBODY }), {
      root: 'folder',
      'root/closed': 'source-unreadable',
      'root/open': 'folder',
      'root/open/mine': 'read',
      'root/open/secret': 'source-unreadable',
      'root/unlistable': 'folder',
      'root/unlistable/in': 'source-unreadable',
    });
  },
);

test('a root that is gone when it is listed is named', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'there'), '');
  const roots = ['gone', 'there'].map((name) => ({ name, location: join(folder, name) }));
  const items = await listAll(new FileSource(roots));
  assert.deepEqual(items[0], { type: 'left-out', path: 'gone', reason: 'source-vanished' });
  assert.equal(items[1]?.type, 'entry');
  assert.equal(items.length, 2);
});

test('times are whole milliseconds, rounded down, before 1970 too', async (t) => {
  const folder = scratchFolder(t);
  for (const [name, time, mtimeMs] of [
    ['a', '1.9999', 1999],
    ['b', '-0.0005', -1],
    ['c', '-1.5', -1500],
  ] as const) {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), time, time);
    const [item] = await listAll(new FileSource([{ name, location: join(folder, name) }]));
    assert.equal(item?.type === 'entry' && item.entry.mtimeMs, mtimeMs);
    assert.equal(item?.type === 'entry' && item.version?.mtimeMs, statSync(join(folder, name)).mtimeMs);
  }
});

test('case 95: folders deeper than any manifest are left out, not followed for ever', async (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, ...Array.from({ length: 300 }, () => 'd')), { recursive: true });
  const { leftOut, listed } = await look(folder);
  assert.equal(listed.length, 256);
  assert.deepEqual(Object.values(leftOut), ['name-refused']);
  rmSync(folder, { recursive: true });
});
