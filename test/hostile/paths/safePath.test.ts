/**
 * Case 69: the one producer of safe paths, over a million strings that other tools have stumbled over. By name:
 * magic-wormhole CVE-2026-32116, LocalSend CVE-2025-27142 and croc CVE-2023-43619 (out of the folder), node-tar
 * CVE-2021-37712 and CVE-2026-23950 and git CVE-2014-9390 (two names that become one).
 */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join, posix, win32 } from 'node:path';
import { test } from 'node:test';
import { ManifestOrder } from '../../../src/protocol/manifest.ts';
import { collisionKey, namesOf, parseSafePath } from '../../../src/protocol/wirePath.ts';
import type { SafePath } from '../../../src/protocol/wirePath.ts';
import { seed } from '../../support/random.ts';
import { isRemoteError } from '../../support/samples.ts';
import { memoryFolder, scratchFolder } from '../../support/scratch.ts';
import { Dice } from '../fuzz/dice.ts';
import { nastyName, nastyPath } from './nastyPaths.ts';

const STRINGS = 1_000_000;
const ROOT = '/srv/folder';
const WINDOWS_ROOT = 'C:\\root';

function taken(text: string): SafePath | undefined {
  const parsed = parseSafePath(text);
  return 'path' in parsed ? parsed.path : undefined;
}

test(`case 50, 51, 56, 57, 69: what is taken of ${STRINGS.toLocaleString('en')} strings stays below its root, as it was spelled (seed ${seed})`, (t) => {
  const dice = new Dice(seed);
  let count = 0;
  for (let run = 0; run < STRINGS; run += 1) {
    const text = nastyPath(dice);
    const path = taken(text);
    if (path === undefined) continue;
    count += 1;
    // Compared before a message is made of it: that is what takes time.
    if (!isInside(text, path)) assert.fail(`${JSON.stringify(text)} is not what it seems`);
  }
  t.diagnostic(`${count} were taken`);
  assert.ok(count > STRINGS / 20, `only ${count} were taken: this proves little`);
});

/** Below the root on every system, each name what was given, nothing repaired, and the same when it is parsed again. */
function isInside(text: string, path: SafePath): boolean {
  const windows = text.replaceAll('/', '\\');
  return (
    path === text &&
    taken(path) === path &&
    posix.resolve(ROOT, path) === `${ROOT}/${text}` &&
    posix.join(ROOT, ...namesOf(path)) === `${ROOT}/${text}` &&
    win32.resolve(WINDOWS_ROOT, path) === `${WINDOWS_ROOT}\\${windows}` &&
    win32.join(WINDOWS_ROOT, ...namesOf(path)) === `${WINDOWS_ROOT}\\${windows}` &&
    !posix.isAbsolute(path) &&
    win32.parse(path).root === '' &&
    Buffer.from(path).toString() === text &&
    namesOf(path).every((name) => isPlain(name))
  );
}

/** What Windows, terminals and people would not take for something else. Said in other words than the product's. */
function isPlain(name: string): boolean {
  const stem = name.split('.')[0]?.replace(/ +$/u, '').toUpperCase() ?? '';
  return (
    Buffer.byteLength(name) <= 255 &&
    !/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\ufeff<>:"|?*\\/]/u.test(name) &&
    !/^(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[\d¹²³])$/u.test(stem) &&
    !/[. ]$/u.test(name)
  );
}

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'];

/** All that a file system may make of a name. Unicode folds case in what is taken apart (The Unicode Standard, D145). */
function spellingsOf(name: string): readonly string[] {
  const apart = ['NFD', 'NFKD'].map((form) => name.normalize(form));
  const folded = apart.flatMap((each) => [
    each.toLowerCase(),
    each.toUpperCase(),
    each.toUpperCase().toLowerCase(),
  ]);
  return [name, ...new Set([name, ...folded].flatMap((each) => FORMS.map((form) => each.normalize(form))))];
}

test(`case 53, 69: names that any folding of case or form makes one have one key, and no page holds both (seed ${seed})`, (t) => {
  const dice = new Dice(seed, 1);
  /** From each spelling that a taken name can get to the key of that name. */
  const keys = new Map<string, string>();
  let twins = 0;
  for (let run = 0; run < 40_000; run += 1) {
    const name = nastyName(dice);
    // Nothing is known of how characters fold that Unicode has not assigned.
    if (taken(name) === undefined || /\p{Cn}/u.test(name) || isDisputed(name)) continue;
    const key = collisionKey(name);
    for (const spelling of spellingsOf(name)) {
      const other = keys.get(spelling);
      if (other !== undefined && other !== key) {
        assert.fail(`${JSON.stringify(name)} may become ${JSON.stringify(spelling)}`);
      }
      keys.set(spelling, key);
      if (spelling === name || taken(spelling) === undefined) continue;
      twins += 1;
      checkRefusedTogether(name, spelling);
    }
  }
  t.diagnostic(`${keys.size} spellings, ${twins} pairs of twins`);
  assert.ok(twins > 5000, `only ${twins} pairs`);
});

/** Whether what has no width stands among the marks of an iota below: systems differ in what they make of that. */
function isDisputed(name: string): boolean {
  return /\p{Default_Ignorable_Code_Point}/u.test(name) && name.normalize('NFD').includes('\u0345');
}

function checkRefusedTogether(...names: readonly [string, string]): void {
  for (const pair of [names, names.toReversed()]) {
    const order = new ManifestOrder();
    const add = (name: string): void => {
      const path = taken(name) ?? assert.fail(name);
      order.add({ kind: 'folder', path, mtimeMs: 0 });
    };
    add(pair[0] ?? '');
    assert.throws(() => add(pair[1] ?? ''), isRemoteError('protocol-error'), JSON.stringify(pair));
  }
}

for (const [disk, folderOf] of [
  ['the disk', scratchFolder],
  ['a disk in memory', memoryFolder],
] as const) {
  test(`case 54, 59, 60, 69: 3,000 names that are taken are as many on ${disk}, as they were spelled (seed ${seed})`, (t) => {
    const root = folderOf(t);
    const folder = join(root, 'below');
    mkdirSync(folder);
    const dice = new Dice(seed, 2);
    const names = new Map<string, string>();
    const longest = ['a'.repeat(255), '字'.repeat(85), '😀'.repeat(63)];
    for (const name of longest) names.set(collisionKey(name), name);
    while (names.size < 3000) {
      const name = nastyName(dice);
      const key = collisionKey(name);
      if (taken(name) !== undefined && !names.has(key)) names.set(key, name);
    }
    // Whoever folds more than the key does would say that it is there already.
    for (const name of names.values()) mkdirSync(join(folder, name));
    assert.deepEqual(new Set(readdirSync(folder)), new Set(names.values()));
    assert.deepEqual(readdirSync(root), ['below']);
    for (const name of names.values()) {
      assert.ok(lstatSync(join(folder, name)).isDirectory(), name);
      rmdirSync(join(folder, name));
    }
  });
}
