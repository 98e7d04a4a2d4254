/** Files that are not on this machine are copied by the editor before they are sent. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup, suite, teardown, test } from 'mocha';
import { Disposable, EventEmitter, FileSystemError, FileType, Uri, workspace } from 'vscode';
import type { FileChangeEvent, FileStat, FileSystemProvider } from 'vscode';
import { stageFiles } from '../../src/editor/send/stageFiles.ts';

/** Files that only the editor can see, by their paths; a path that ends in a slash is a link. */
const FILES: Readonly<Record<string, string>> = {
  '/project/read me.md': '# Elsewhere\n',
  '/project/deep/er/空.txt': 'sky\n',
  '/project/loop/': '',
  '/notes.txt': 'a note\n',
};

class ElsewhereFiles implements FileSystemProvider {
  readonly onDidChangeFile = new EventEmitter<FileChangeEvent[]>().event;

  watch(): Disposable {
    return new Disposable(() => undefined);
  }

  stat(uri: Uri): FileStat {
    const type = typeOf(uri.path);
    if (type === undefined) throw FileSystemError.FileNotFound(uri);
    return { type, ctime: 0, mtime: 0, size: FILES[uri.path]?.length ?? 0 };
  }

  readDirectory({ path }: Uri): [string, FileType][] {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const inside = Object.keys(FILES).filter((name) => name.startsWith(prefix));
    const names = new Set(inside.map((name) => name.slice(prefix.length).split('/')[0] ?? ''));
    return [...names].map((name) => [name, typeOf(prefix + name) ?? FileType.SymbolicLink]);
  }

  readFile({ path }: Uri): Uint8Array {
    return new TextEncoder().encode(FILES[path] ?? '');
  }

  createDirectory(): void {
    throw FileSystemError.NoPermissions();
  }

  writeFile(): void {
    throw FileSystemError.NoPermissions();
  }

  delete(): void {
    throw FileSystemError.NoPermissions();
  }

  rename(): void {
    throw FileSystemError.NoPermissions();
  }
}

function typeOf(path: string): FileType | undefined {
  if (`${path}/` in FILES) return FileType.SymbolicLink;
  if (path in FILES) return FileType.File;
  return Object.keys(FILES).some((name) => name.startsWith(`${path}/`)) ? FileType.Directory : undefined;
}

suite('files that are not on this machine', () => {
  let scratch = '';
  let outbox = '';
  let provider: Disposable | undefined;

  setup(() => {
    scratch = mkdtempSync(join(tmpdir(), 'peer-courier-host-'));
    outbox = join(scratch, 'outbox');
    mkdirSync(outbox);
    provider = workspace.registerFileSystemProvider('elsewhere', new ElsewhereFiles(), { isReadonly: true });
  });

  teardown(() => {
    provider?.dispose();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('are copied with their folders; links are not, and what is here stays where it is', async () => {
    const here = join(scratch, 'here.txt');
    writeFileSync(here, 'here\n');
    const told: string[] = [];
    const paths = await stageFiles(
      [
        Uri.parse('elsewhere:/project'),
        Uri.parse('elsewhere:/notes.txt'),
        Uri.file(here),
        Uri.parse('elsewhere:/notes.txt'),
      ],
      outbox,
      { signal: new AbortController().signal, report: (message) => told.push(message) },
    );
    const [project, notes, local, again] = paths;
    assert.deepEqual([project, notes], [join(outbox, 'project'), join(outbox, 'notes.txt')]);
    assert.equal(local, Uri.file(here).fsPath);
    assert.notEqual(again, notes, 'two of one name do not become one');
    assert.deepEqual(readdirSync(join(outbox, 'project'), { recursive: true, encoding: 'utf8' }).toSorted(), [
      'deep',
      join('deep', 'er'),
      join('deep', 'er', '空.txt'),
      'read me.md',
    ]);
    assert.equal(readFileSync(join(outbox, 'project', 'deep', 'er', '空.txt'), 'utf8'), 'sky\n');
    assert.equal(told.length, 4);
  });

  test('are not copied any more once the user has cancelled', async () => {
    const user = new AbortController();
    const copying = stageFiles([Uri.parse('elsewhere:/project'), Uri.parse('elsewhere:/notes.txt')], outbox, {
      signal: user.signal,
      report: () => user.abort(),
    });
    await assert.rejects(copying, /cancelled/u);
    assert.ok(!readdirSync(outbox).includes('notes.txt'));
  });
});
