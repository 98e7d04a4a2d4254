/** Names that a program obeys: what counts as one, and that a flood of them neither costs nor hides anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../../src/protocol/manifest.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { NotableNotes } from '../../../src/transfer/notableNames.ts';
import type { NotableNames } from '../../../src/transfer/notableNames.ts';
import { safePath } from '../../support/memoryTree.ts';

/** A folder ends in a slash. */
function entryOf(text: string): Entry {
  if (text.endsWith('/')) return { kind: 'folder', path: safePath(text.slice(0, -1)), mtimeMs: 0 };
  return { kind: 'file', path: safePath(text), size: 1, mtimeMs: 0, isExecutable: true };
}

function notableOf(entries: Iterable<string>): NotableNames {
  const notes = new NotableNotes();
  for (const entry of entries) notes.add(entryOf(entry));
  return notes.names;
}

const OBEYED = [
  '.vscode/',
  '.git/',
  '.git',
  '.hg/',
  '.idea/',
  '.vs/',
  '.devcontainer/',
  '.claude/',
  '.cursor/',
  '.ssh/',
  'a/b/.vscode/',
  'a/.VSCode/',
  'a/.GIT/',
  // Folded by some system: without width, full width.
  '.g\u200cit/',
  '\uff0evscode/',
  'work.code-workspace',
  'a/Work.Code-Workspace',
  'theme.vsix',
  '.devcontainer.json',
  '.mcp.json',
  '.envrc',
  '.bashrc',
  '.zshenv',
  '.profile',
  '.gitconfig',
  'desktop.ini',
  'Desktop.INI',
  'autorun.inf',
  'setup.exe',
  'photo.jpg.EXE',
  'setup.msi',
  'run.bat',
  'run.cmd',
  'run.com',
  'run.ps1',
  'saver.scr',
  'help.chm',
  'page.hta',
  'keys.reg',
  'script.vbs',
  'readme.txt.lnk',
  'site.url',
  'site.webloc',
  'do.command',
  'do.terminal',
  'pack.pkg',
  'note.desktop',
  'tool.AppImage',
  'app.jar',
  'Viewer.app/',
  'Steps.workflow/',
];

const HARMLESS = [
  'package.json',
  'Makefile',
  '.npmrc',
  '.husky/',
  '.github/',
  '.gitignore',
  '.editorconfig',
  'AGENTS.md',
  'build.sh',
  'main.js',
  'main.py',
  'notes.ipynb',
  'git/',
  'vscode/',
  '.vscode',
  '.vscode-test/',
  '.gitx/',
  'my.git/',
  'exe',
  'exe.txt',
  'a.exe.txt',
  'example.com/',
  'code-workspace',
  'viewer.app',
  'desktop.ini.txt',
  '__proto__',
  'constructor/',
];

test('case 61, 177, 179: names that an editor, git, a shell or a desktop obeys are told', () => {
  for (const name of OBEYED) {
    assert.deepEqual(notableOf([name]), { count: 1, first: [name.replace(/\/$/u, '')] }, name);
  }
});

test('case 61, 177: what a project holds anyway is not told', () => {
  for (const name of HARMLESS) assert.deepEqual(notableOf([name]), { count: 0, first: [] }, name);
});

test('case 177: a folder is told once with all that is in it, and what follows it is told again', () => {
  const listed = [
    'p/',
    'p/.git/',
    'p/.git/hooks/',
    'p/.git/x.exe',
    'p/.git/y/.vscode/',
    'p/.gitx/',
    'p/a.exe',
  ];
  assert.deepEqual(notableOf(listed), { count: 2, first: ['p/.git', 'p/a.exe'] });
  // A name that only begins like it is not in it.
  assert.deepEqual(notableOf(['.git/', '.git.exe']), { count: 2, first: ['.git', '.git.exe'] });
});

test('case 177: many of one kind do not hide another, and cost no memory', () => {
  function* flood(): Iterable<string> {
    for (let at = 0; at < 100_000; at += 1) {
      const folder = `f${String(at).padStart(6, '0')}`;
      yield `${folder}/`;
      yield `${folder}/.vscode/`;
    }
    yield 'g.exe';
    yield 'h.lnk';
  }
  assert.deepEqual(notableOf(flood()), { count: 100_002, first: ['f000000/.vscode', 'g.exe', 'h.lnk'] });
});

test('case 177: of many kinds a few are told, however long the paths', () => {
  const deep = `${'d'.repeat(200)}/`.repeat(19);
  assert.ok(deep.length < limits.pathBytes);
  const { count, first } = notableOf(
    ['bat', 'cmd', 'com', 'exe', 'lnk', 'msi', 'url'].map((end) => `${deep}a.${end}`),
  );
  assert.equal(count, 7);
  assert.equal(first.length, 5);
});
