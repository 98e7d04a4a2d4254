import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import type { OmissionOptions } from '../../src/node/disk/omissions.ts';
import { scratchFolder } from '../support/scratch.ts';

/** What listing a folder leaves out as a secret, and what it does not. */

function lay(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
}

/** Paths with what becomes of them: `sent`, or the reason. Folders do not show. */
async function look(
  roots: readonly { readonly location: string; readonly name: string }[],
  options: OmissionOptions = { useGitignore: false, leaveOutSecrets: true },
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const item of new FileSource(roots, undefined, options).list()) {
    if (item.type === 'left-out') found[item.path] = item.reason;
    else if (item.entry.kind === 'file') found[item.entry.path] = 'sent';
  }
  return found;
}

test('secrets below a picked folder are left out, each by itself', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, [
    '.env',
    '.env.example',
    'a/server.key',
    'a/b/.aws/credentials',
    'a/b/.aws/config',
    'a/talk.key/slide',
  ]);
  assert.deepEqual(await look([{ location: folder, name: 'r' }]), {
    'r/.env': 'secret',
    'r/.env.example': 'sent',
    'r/a/b/.aws/config': 'sent',
    'r/a/b/.aws/credentials': 'secret',
    'r/a/server.key': 'secret',
    'r/a/talk.key/slide': 'sent',
  });
});

test('a file that was picked by its name is sent; of a folder the name says nothing', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['.env', '.ssh/id_rsa', '.ssh/id_rsa.pub', 'talk.key/slides', '.aws/credentials']);
  const roots = ['.env', '.ssh', 'talk.key', '.aws'].map((name) => ({ name, location: join(folder, name) }));
  assert.deepEqual(await look(roots), {
    '.aws/credentials': 'secret',
    '.env': 'sent',
    '.ssh/id_rsa': 'secret',
    '.ssh/id_rsa.pub': 'sent',
    'talk.key/slides': 'sent',
  });
});

test('a folder that is sent under another name is judged by its own', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['.aws/credentials', 'b/credentials']);
  const roots = [
    { location: join(folder, '.aws'), name: 'a' },
    { location: join(folder, 'b'), name: '.aws' },
  ];
  assert.deepEqual(await look(roots), { '.aws/credentials': 'sent', 'a/credentials': 'secret' });
});

test('a link with the name of a secret is a link', async (t) => {
  const folder = scratchFolder(t);
  symlinkSync('elsewhere', join(folder, '.env'));
  assert.deepEqual(await look([{ location: folder, name: 'r' }]), { 'r/.env': 'link' });
});

test('inside .git nothing is a secret, or the repository would be broken', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['.git/refs/heads/fix.key', '.git/hooks/.env', 'x/.env']);
  assert.deepEqual(await look([{ location: folder, name: 'r' }]), {
    'r/.git/hooks/.env': 'sent',
    'r/.git/refs/heads/fix.key': 'sent',
    'r/x/.env': 'secret',
  });
});

test('what git ignores is ignored, be it a secret or not', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['.env', 'a.pem', 'b']);
  writeFileSync(join(folder, '.gitignore'), '.env\nb');
  const roots = [{ location: folder, name: 'r' }];
  assert.deepEqual(await look(roots, { useGitignore: true, leaveOutSecrets: true }), {
    'r/.env': 'ignored',
    'r/.gitignore': 'sent',
    'r/a.pem': 'secret',
    'r/b': 'ignored',
  });
  assert.deepEqual(await look(roots, { useGitignore: true, leaveOutSecrets: false }), {
    'r/.env': 'ignored',
    'r/.gitignore': 'sent',
    'r/a.pem': 'sent',
    'r/b': 'ignored',
  });
});

const noTwins = process.platform === 'linux' ? false : 'the disk may know no case';

test('twins that are secrets are left out as that, not for their names', { skip: noTwins }, async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['A.KEY', 'a.key', '.ENV.EXAMPLE', '.env.example']);
  assert.deepEqual(await look([{ location: folder, name: 'r' }]), {
    'r/.ENV.EXAMPLE': 'sent',
    'r/.env.example': 'name-refused',
    'r/A.KEY': 'secret',
    'r/a.key': 'secret',
  });
});

test('nothing is left out unless that is asked for', async (t) => {
  const folder = scratchFolder(t);
  lay(folder, ['.env']);
  const sent: Record<string, string> = {};
  for await (const item of new FileSource([{ location: folder, name: 'r' }]).list()) {
    sent[item.type === 'entry' ? item.entry.path : item.path] = item.type;
  }
  assert.deepEqual(sent, { r: 'entry', 'r/.env': 'entry' });
});
