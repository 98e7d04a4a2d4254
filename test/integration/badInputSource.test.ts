import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventOf, pathsOf, Scene } from '../support/cli.ts';
import { fifo, file, folder, link, makeTree, socket } from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';
import { unprivileged } from '../support/wrappings.ts';

/** Sources of which not everything can be sent: what cannot is named and decides the status, the rest arrives. */

const STATUS = { nameRefused: 20, missing: 21, unreadable: 22, nothingToSend: 35, severalReasons: 3 };

interface Case {
  readonly tree: Tree;
  /** Below the source folder unless absolute; `tree` if absent. */
  readonly paths?: readonly string[];
  readonly prepare?: (source: string) => void;
  readonly status: number;
  /** What the one sentence says, when nothing can be sent. */
  readonly says?: RegExp;
  readonly leftOut?: readonly string[];
  readonly failed?: readonly string[];
  readonly arrives?: readonly string[];
}

function sends(name: string, { tree, paths = ['tree'], prepare, ...expected }: Case): void {
  test(name, async (t) => {
    const scene = new Scene(t);
    const source = scene.makeFolder('source');
    makeTree(source, tree);
    prepare?.(source);
    const receiver = await scene.receive();
    const roots = paths.map((path) => (path.startsWith('/') ? path : `${source}/${path}`));
    const ended = await scene.send(roots, { within: unprivileged });
    assert.equal(ended.status, expected.status, ended.stdout);
    assert.deepEqual(pathsOf(ended, 'left-out'), expected.leftOut ?? []);
    assert.deepEqual(pathsOf(ended, 'entry-failed'), expected.failed ?? []);
    assert.deepEqual(Object.keys(scene.look()), expected.arrives ?? []);
    scene.assertSenderClean();
    if (expected.says === undefined) {
      assert.equal((await receiver.event('received'))['root'], eventOf(ended, 'sent')['root']);
    } else {
      assert.match(String(eventOf(ended, 'failed')['message']), expected.says);
    }
  });
}

function lock(mode: number, ...paths: readonly string[]): (source: string) => void {
  return (source) => {
    for (const path of paths) chmodSync(join(source, path), mode);
  };
}

sends('a missing path', {
  tree: {},
  paths: ['nowhere'],
  status: STATUS.missing,
  says: /^There is no such file or folder: \S+\/nowhere\. Nothing was sent\.$/u,
});

sends('a missing path among others: nothing is sent at all', {
  tree: { here: file('here') },
  paths: ['here', 'nowhere'],
  status: STATUS.missing,
  says: /nowhere/u,
});

sends('a path through a file', {
  tree: { here: file('here') },
  paths: ['here/below'],
  status: STATUS.missing,
  says: /here\/below/u,
});

sends('a path that is a dangling link', {
  tree: { tree: link('nowhere') },
  status: STATUS.missing,
  says: /tree/u,
});

for (const [name, item] of Object.entries({ 'a pipe': fifo, 'a socket': socket })) {
  sends(`a path that is ${name}`, {
    tree: { tree: item },
    status: STATUS.nothingToSend,
    says: /^Nothing of that can be sent/u,
    leftOut: ['tree: special'],
  });
}

sends('a path that is a device', {
  tree: {},
  paths: ['/dev/zero'],
  status: STATUS.nothingToSend,
  says: /^Nothing of that can be sent/u,
  leftOut: ['zero: special'],
});

sends('a pipe and links beside good files: named, and no failure', {
  tree: { 'tree/a': file('a'), 'tree/b': fifo, 'tree/c': link('a'), 'tree/d': socket, 'tree/e': file('e') },
  status: 0,
  leftOut: ['tree/b: special', 'tree/c: link', 'tree/d: special'],
  arrives: ['tree', 'tree/a', 'tree/e'],
});

sends('unreadable files, small and big, in a folder', {
  tree: {
    'tree/a': file('a'),
    'tree/locked-big': file(Buffer.alloc(600_000, 1)),
    'tree/locked-small': file('small'),
    'tree/z': file(Buffer.alloc(600_000, 2)),
  },
  prepare: lock(0o000, 'tree/locked-big', 'tree/locked-small'),
  status: STATUS.unreadable,
  failed: ['tree/locked-big: source-unreadable', 'tree/locked-small: source-unreadable'],
  arrives: ['tree', 'tree/a', 'tree/z'],
});

sends('one file, unreadable', {
  tree: { tree: file('locked') },
  prepare: lock(0o000, 'tree'),
  status: STATUS.unreadable,
  failed: ['tree: source-unreadable'],
});

sends('an unreadable folder in a folder', {
  tree: {
    'tree/a': file('a'),
    'tree/locked': folder(),
    'tree/locked/inner': file('inner'),
    'tree/z': file('z'),
  },
  prepare: lock(0o000, 'tree/locked'),
  status: STATUS.unreadable,
  leftOut: ['tree/locked: source-unreadable'],
  arrives: ['tree', 'tree/a', 'tree/z'],
});

sends('a folder that may be listed and not entered', {
  tree: { 'tree/a': file('a'), 'tree/locked': folder(), 'tree/locked/inner': file('inner') },
  prepare: lock(0o444, 'tree/locked'),
  status: STATUS.unreadable,
  leftOut: ['tree/locked/inner: source-unreadable'],
  arrives: ['tree', 'tree/a', 'tree/locked'],
});

sends('a path that is an unreadable folder', {
  tree: { tree: folder(), 'tree/a': file('a') },
  prepare: lock(0o000, 'tree'),
  status: STATUS.nothingToSend,
  says: /^Nothing of that can be sent/u,
  leftOut: ['tree: source-unreadable'],
});

sends('failures of several kinds', {
  tree: { 'tree/a': file('a'), 'tree/CON': file('device'), 'tree/locked': file('locked') },
  prepare: lock(0o000, 'tree/locked'),
  status: STATUS.severalReasons,
  leftOut: ['tree/CON: name-refused'],
  failed: ['tree/locked: source-unreadable'],
  arrives: ['tree', 'tree/a'],
});

/** Names that some system cannot store, or that would lie to whoever reads them. */
const badNames: readonly string[] = [
  'a:b',
  'back\\slash',
  'what?',
  'a*',
  '"quoted"',
  '<tag>',
  'a|b',
  'CON',
  'nul.txt',
  'Com1.log',
  'trailing dot.',
  'trailing space ',
  'new\nline',
  'tab\there',
  'red \u001b[31m',
  'c1 \u009b31m',
  'gpj.\u202eexe',
  '\ufeffmark',
];

sends('names that not every system can store, in a folder', {
  tree: Object.fromEntries([
    ['tree/good', file('good')],
    ...badNames.map((name): [string, ReturnType<typeof file>] => [`tree/${name}`, file(name)]),
  ]),
  status: STATUS.nameRefused,
  leftOut: inOrder(badNames).map((name) => `tree/${name}: name-refused`),
  arrives: ['tree', 'tree/good'],
});

/** As they are listed: siblings by their name without case. */
function inOrder(names: readonly string[]): readonly string[] {
  const byKey = names.map((name) => ({
    name,
    key: name.replace('\ufeff', '').replace('\u202e', '').toLowerCase(),
  }));
  return byKey.toSorted((left, right) => (left.key < right.key ? -1 : 1)).map(({ name }) => name);
}

sends('a folder with such a name stays behind with all that is in it', {
  tree: { 'tree/aux/one': file('1'), 'tree/aux/two': file('2'), 'tree/good': file('good') },
  status: STATUS.nameRefused,
  leftOut: ['tree/aux: name-refused'],
  arrives: ['tree', 'tree/good'],
});

for (const name of badNames) {
  sends(`a path with such a name: ${JSON.stringify(name)}`, {
    tree: { [name]: file('x') },
    paths: [name],
    status: STATUS.nameRefused,
    // eslint-disable-next-line no-control-regex -- that none gets through is what is checked
    says: /^A name cannot be sent, because not every system can store it: [^\u0000-\u001f\u007f-\u009f\u202e\ufeff]+\. Rename it and send again\.$/u,
  });
}

sends('a path with the name of the staging folder', {
  tree: { '.Peer-Courier/x': file('x') },
  paths: ['.Peer-Courier'],
  status: STATUS.nameRefused,
  says: /reserved name/u,
});

sends('the root of everything', {
  tree: {},
  paths: ['/'],
  status: STATUS.nameRefused,
  says: /store it: \/: /u,
});

sends('README and readme in one folder: the first arrives, the second would land on it', {
  tree: { 'tree/README': file('one'), 'tree/readme': file('two'), 'tree/x': file('x') },
  status: STATUS.nameRefused,
  leftOut: ['tree/readme: name-refused'],
  arrives: ['tree', 'tree/README', 'tree/x'],
});

sends('a link README beside a file readme: only the link stays behind', {
  tree: { 'tree/README': link('x'), 'tree/readme': file('two') },
  status: 0,
  leftOut: ['tree/README: link'],
  arrives: ['tree', 'tree/readme'],
});

sends('one name in both normal forms in one folder', {
  tree: { 'tree/Gr\u00fc\u00dfe': file('composed'), 'tree/Gru\u0308\u00dfe': file('decomposed') },
  status: STATUS.nameRefused,
  leftOut: ['tree/Gr\u00fc\u00dfe: name-refused'],
  arrives: ['tree', 'tree/Gru\u0308\u00dfe'],
});

sends('two paths of one name', {
  tree: { 'a/x': file('1'), 'b/X': file('2') },
  paths: ['a/x', 'b/X'],
  status: STATUS.nameRefused,
  says: /X: it is there twice/u,
});

const deepest = `tree${'/d'.repeat(255)}`;

sends('folders deeper than the protocol takes', {
  tree: { [`${deepest}/e/f`]: file('too deep'), [`${deepest}/g`]: file('too deep'), 'tree/z': file('z') },
  status: STATUS.nameRefused,
  leftOut: [`${deepest}/e: name-refused`, `${deepest}/g: name-refused`],
  arrives: [...Array.from({ length: 256 }, (_, at) => `tree${'/d'.repeat(at)}`), 'tree/z'],
});

/** A name of bytes that are not UTF-8, as only Linux has them. */
function writeMangled(folderOfIt: string): void {
  writeFileSync(Buffer.concat([Buffer.from(`${folderOfIt}/name-`), Buffer.from([0xff, 0xc3])]), 'mangled');
}

sends('a name that is not UTF-8', {
  tree: { 'tree/good': file('good') },
  prepare: (source) => writeMangled(join(source, 'tree')),
  status: STATUS.nameRefused,
  leftOut: ['tree/name-\ufffd\ufffd: name-refused'],
  arrives: ['tree', 'tree/good'],
});

sends('a name that is not UTF-8, beside the name that it looks like', {
  tree: { 'tree/name-\ufffd\ufffd': file('real') },
  prepare: (source) => writeMangled(join(source, 'tree')),
  status: STATUS.nameRefused,
  leftOut: ['tree/name-\ufffd\ufffd: name-refused'],
  arrives: ['tree', 'tree/name-\ufffd\ufffd'],
});
