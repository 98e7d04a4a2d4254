/**
 * What goes into the VSIX is a list that somebody has looked at: a file more is a leak or dead weight, a file
 * less is an extension that does not start. After a wanted change, change the list.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packagedFiles } from '../../scripts/package.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const LIST = join(ROOT, 'test', 'fixtures', 'vsixFiles.txt');

const NATIVE = /\.(?:node|exe|dll|so|dylib|wasm)$|node_modules/u;

type LockedPackage = {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
};
type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> };
type Manifest = {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

test('case 188: the VSIX holds what the list names, and nothing else', async () => {
  const found = new Set((await packagedFiles()).map(withoutHash));
  const wanted = readFileSync(LIST, 'utf8').trim().split('\n');
  assert.deepEqual([...found].toSorted(), wanted.toSorted());
  // No native module, and nothing that runs when it is installed.
  for (const file of wanted) assert.doesNotMatch(file, NATIVE, file);
});

test('case 188: the packages that are in the product are few, known, and run nothing when installed', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const { dependencies, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  assert.deepEqual(Object.keys(dependencies).toSorted(), [
    '@peculiar/x509',
    'dns-packet',
    'ignore',
    'reflect-metadata',
    'valibot',
    'vscode-jsonrpc',
  ]);
  const shipped = Object.entries(packages).filter(
    // What is optional is the compiler, which one of them names as a peer.
    ([path, { dev, devOptional, optional }]) => path !== '' && !(dev ?? devOptional ?? optional ?? false),
  );
  assert.equal(shipped.length, SHIPPED_PACKAGES);
  for (const [path, { hasInstallScript, link }] of shipped) {
    assert.notEqual(hasInstallScript, true, path);
    assert.notEqual(link, true, path);
    assert.ok(!existsSync(join(ROOT, path, 'binding.gyp')), path);
  }
  for (const name of Object.keys(scripts)) assert.doesNotMatch(name, /install|prepare|^pre|^post/u);
});

/** With what they depend on; one more is a decision. */
const SHIPPED_PACKAGES = 26;

/** "chunks/engine/certificate-R54OFRRR.js" has another hash after every change. */
function withoutHash(file: string): string {
  return file.replace(/^(dist\/chunks\/.*)-[\dA-Z]{8}\.js$/, '$1-*.js');
}
