/**
 * Holds the source to the layers of ARCHITECTURE.md: which room may import which,
 * and which rooms are pure. The linter says most of this while one types; this
 * test also sees `import('…')` in types, unknown rooms, and rules that were
 * loosened in one place only. That the disk is reached through its port alone,
 * only this test says.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve, sep } from 'node:path';
import { test } from 'node:test';

type Room = {
  /** The other rooms it may import from. */
  readonly rooms: readonly string[];
  /** The exact packages and Node modules it may import; `outside` stands for all but `vscode`. */
  readonly packages: readonly string[] | 'outside';
  /** No clock, no randomness, no process: everything from outside comes through a port. */
  readonly isPure: boolean;
};

const ROOMS: Readonly<Record<string, Room>> = {
  base: { rooms: [], packages: [], isPure: true },
  protocol: { rooms: ['base'], packages: ['valibot'], isPure: true },
  peers: { rooms: ['base', 'protocol'], packages: ['valibot'], isPure: true },
  transfer: { rooms: ['base', 'protocol', 'peers'], packages: ['valibot'], isPure: true },
  doctor: { rooms: ['base'], packages: [], isPure: true },
  rpc: { rooms: ['base', 'doctor'], packages: ['vscode-jsonrpc'], isPure: true },
  node: { rooms: ['base', 'protocol', 'peers', 'transfer', 'doctor'], packages: 'outside', isPure: false },
  engine: {
    rooms: ['base', 'protocol', 'peers', 'transfer', 'doctor', 'rpc', 'node'],
    packages: 'outside',
    isPure: false,
  },
  cli: {
    rooms: ['base', 'protocol', 'peers', 'transfer', 'doctor', 'rpc', 'node', 'engine'],
    packages: 'outside',
    isPure: false,
  },
  editor: {
    rooms: ['base', 'doctor', 'rpc'],
    // What it takes to start the engine and attach to its local socket; no TLS, hashing or compression.
    packages: [
      'vscode',
      'vscode-jsonrpc',
      'vscode-jsonrpc/node',
      'node:child_process',
      'node:fs/promises',
      'node:net',
      'node:os',
      'node:path',
      'node:url',
    ],
    isPure: false,
  },
};

/** The one file outside the rooms; it composes the editor's part. */
const ENTRY_FILE = 'extension.ts';
const ENTRY: Room = { rooms: ['base', 'rpc', 'editor'], packages: ['vscode'], isPure: false };

/** Where the files of users are touched, and by whom: everybody else there goes through `fileSystem.ts`. */
const DISK = 'node/disk/';
const DISK_ADAPTERS: ReadonlySet<string> = new Set([
  `${DISK}systemFiles.ts`,
  // The calls that take an open folder, which the port has none for.
  `${DISK}heldFolders.ts`,
  `${DISK}heldRemoval.ts`,
  // Keeps pages of the manifest, which are ours, behind a port of their own.
  `${DISK}pageFiles.ts`,
]);

/** Names that a pure room may not even mention … */
const FORBIDDEN_NAMES = new Set([
  'Buffer',
  'Date',
  'fetch',
  'globalThis',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);
/** … and those whose members it may not use; a field or parameter may carry such a name. */
const FORBIDDEN_MEMBERS: Readonly<Record<string, RegExp>> = {
  crypto: /./,
  Math: /^random$/,
  performance: /./,
  process: /./,
};

const ROOT = resolve(import.meta.dirname, '..', '..');
const SOURCE = join(ROOT, 'src');

type Token = { readonly kind: 'word' | 'text' | 'mark'; readonly text: string };

const SKIPPED = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$]*/uy;
const NUMBER = /\d[\w.]*/y;
const STRING = /'((?:\\[\s\S]|[^'\\])*)'|"((?:\\[\s\S]|[^"\\])*)"/y;
const TEMPLATE_START = /`((?:\\[\s\S]|\$(?!\{)|[^`\\$])*)(`|\$\{)/y;
const TEMPLATE_REST = /\}((?:\\[\s\S]|\$(?!\{)|[^`\\$])*)(`|\$\{)/y;
const REGULAR_EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/y;
/** After these a slash begins a regular expression; after any other word it divides. */
const BEFORE_EXPRESSION = /^(?:return|typeof|case|in|of|do|else|void|await|yield|throw|new|delete)$/;

/** Splits source into words, texts and marks, so that comments and texts are never taken for code. */
function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  /** For each template we are inside of, how many braces are open in its current `${…}`. */
  const openBraces: number[] = [];
  let offset = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = offset;
    const match = pattern.exec(source);
    if (match === null) return undefined;
    offset = pattern.lastIndex;
    return match;
  };
  while (offset < source.length) {
    if (take(SKIPPED) !== undefined) continue;
    const previous = tokens.at(-1);
    const word = take(WORD);
    if (word !== undefined) {
      tokens.push({ kind: 'word', text: word[0] });
      continue;
    }
    const text = take(STRING);
    if (text !== undefined) {
      tokens.push({ kind: 'text', text: text[1] ?? text[2] ?? '' });
      continue;
    }
    const template = take(TEMPLATE_START) ?? (openBraces.at(-1) === 0 ? take(TEMPLATE_REST) : undefined);
    if (template !== undefined) {
      const isStart = template[0].startsWith('`');
      const isEnd = template[2] === '`';
      if (isStart && isEnd) tokens.push({ kind: 'text', text: template[1] ?? '' });
      else tokens.push({ kind: 'mark', text: '`' });
      if (isStart && !isEnd) openBraces.push(0);
      if (!isStart && isEnd) openBraces.pop();
      continue;
    }
    const isOperand =
      previous !== undefined &&
      (previous.kind === 'text' ||
        (previous.kind === 'word' && !BEFORE_EXPRESSION.test(previous.text)) ||
        (previous.kind === 'mark' && /^[)\]}`0]$/.test(previous.text)));
    const other = take(NUMBER) ?? (isOperand ? undefined : take(REGULAR_EXPRESSION));
    if (other !== undefined) {
      tokens.push({ kind: 'mark', text: '0' });
      continue;
    }
    const mark = source.charAt(offset);
    const depth = openBraces.pop();
    if (depth !== undefined) openBraces.push(depth + (mark === '{' ? 1 : mark === '}' ? -1 : 0));
    tokens.push({ kind: 'mark', text: mark });
    offset += 1;
  }
  return tokens;
}

/** Every specifier the source imports or re-exports from, in order; `undefined` for a computed one. */
function importsOf(tokens: readonly Token[]): readonly (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, index)) continue;
    const next = tokens[index + 1];
    if (token.text === 'import' && next?.text === '(' && next.kind === 'mark') {
      const specifier = tokens[index + 2];
      const after = tokens[index + 3];
      const isLiteral = specifier?.kind === 'text' && (after?.text === ')' || after?.text === ',');
      found.push(isLiteral ? specifier.text : undefined);
    } else if (token.text === 'import' && next?.kind === 'text') {
      found.push(next.text);
    } else if (token.text === 'import' || token.text === 'export') {
      const specifier = clauseSource(tokens, index + 1);
      if (specifier !== undefined) found.push(specifier);
    }
  }
  return found;
}

/** The text after `from`, if what begins at `start` is an import or export clause at all. */
function clauseSource(tokens: readonly Token[], start: number): string | undefined {
  for (let index = start; index < tokens.length; index += 1) {
    const token = tokens[index];
    const next = tokens[index + 1];
    if (token?.kind === 'word' && token.text === 'from' && next?.kind === 'text') return next.text;
    if (token?.kind === 'mark' && !/^[{},*]$/.test(token.text)) return undefined;
    if (
      token?.kind === 'word' &&
      /^(?:const|let|class|function|async|interface|enum|declare|export|import)$/.test(token.text)
    ) {
      return undefined;
    }
  }
  return undefined;
}

/** Whether the word is behind a dot (`clock.setTimeout`), and so not the global of that name. */
function isMember(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === '.' && tokens[index - 2]?.text !== '.';
}

function forbiddenGlobals(tokens: readonly Token[]): readonly string[] {
  const found: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, index)) continue;
    if (FORBIDDEN_NAMES.has(token.text)) found.push(token.text);
    const members = Object.hasOwn(FORBIDDEN_MEMBERS, token.text) ? FORBIDDEN_MEMBERS[token.text] : undefined;
    if (members === undefined) continue;
    // `process.x`, `process?.x` and `process['x']`.
    const access = tokens.slice(index + 1, index + 4).filter(({ text }) => text !== '?');
    const isAccess = access[0]?.text === '.' || access[0]?.text === '[';
    if (isAccess && members.test(access[1]?.text ?? '')) found.push(`${token.text}.${access[1]?.text}`);
  }
  return found;
}

/** What is wrong with one file; `path` is relative to src/, with forward slashes. */
function violations(path: string, source: string): readonly string[] {
  const roomName = path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;
  const room = roomName === undefined ? undefined : ROOMS[roomName];
  const rules = room ?? (path === ENTRY_FILE ? ENTRY : undefined);
  if (rules === undefined) return ['lies in no known room'];
  const tokens = tokenize(source);
  const problems = importsOf(tokens).flatMap((specifier) => {
    if (specifier === undefined) return ['imports a computed name'];
    return isAllowed({ path, roomName, rules, specifier }) ? [] : [`imports ${specifier}`];
  });
  if (rules.isPure) problems.push(...forbiddenGlobals(tokens).map((name) => `uses ${name}`));
  return problems;
}

function isAllowed(given: {
  path: string;
  roomName: string | undefined;
  rules: Room;
  specifier: string;
}): boolean {
  const { path, roomName, rules, specifier } = given;
  if (path.startsWith(DISK) && /^(?:node:)?fs(?:\/|$)/.test(specifier)) return DISK_ADAPTERS.has(path);
  if (!specifier.startsWith('.')) {
    return rules.packages === 'outside' ? specifier !== 'vscode' : rules.packages.includes(specifier);
  }
  // Relative to src/, so what climbs out of it (a test, a script) begins with `..`, which is no room.
  const target = posix.join(posix.dirname(path), specifier);
  const targetRoom = target.slice(0, target.indexOf('/'));
  return target.includes('/') && (targetRoom === roomName || rules.rooms.includes(targetRoom));
}

test('every source file keeps to its layer', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.ts'));
  assert.ok(files.length > 0, 'there is no source to check');
  const problems = files.flatMap((path) =>
    violations(path, readFileSync(join(SOURCE, path), 'utf8')).map((problem) => `src/${path} ${problem}`),
  );
  assert.deepEqual(problems, []);
});

test('the checker sees forbidden imports', () => {
  const check = (path: string, source: string, expected: readonly string[]): void => {
    assert.deepEqual(violations(path, source), expected, `${path}: ${source}`);
  };
  check('base/a.ts', "import { b } from './b.ts';", []);
  check('base/a.ts', "import { b } from '../protocol/b.ts';", ['imports ../protocol/b.ts']);
  check('base/a.ts', "import * as v from 'valibot';", ['imports valibot']);
  check('protocol/a.ts', "import * as v from 'valibot';\nimport { b } from '../base/b.ts';", []);
  check('protocol/a.ts', "import 'node:fs';", ['imports node:fs']);
  check('protocol/a.ts', "import type { B } from '../peers/b.ts';", ['imports ../peers/b.ts']);
  check('peers/a.ts', "import { type B, c } from '../protocol/b.ts';", []);
  check('peers/a.ts', "export { b } from '../transfer/b.ts';", ['imports ../transfer/b.ts']);
  check('transfer/a.ts', "export * as n from '../node/n.ts';", ['imports ../node/n.ts']);
  check('transfer/a.ts', "export type * from '../engine/b.ts';", ['imports ../engine/b.ts']);
  check('transfer/a.ts', "let b: import('../node/b.ts').B;", ['imports ../node/b.ts']);
  check('doctor/a.ts', "import { b } from '../base/b.ts';", []);
  check('doctor/a.ts', "import { b } from '../rpc/b.ts';", ['imports ../rpc/b.ts']);
  check('doctor/a.ts', "import { b } from 'valibot';", ['imports valibot']);
  check('rpc/a.ts', "import { b } from '../doctor/b.ts';", []);
  check('rpc/a.ts', "import { b } from 'vscode-jsonrpc';", []);
  check('rpc/a.ts', "import { b } from 'vscode-jsonrpc/node';", ['imports vscode-jsonrpc/node']);
  check('rpc/a.ts', "import { b } from '../protocol/b.ts';", ['imports ../protocol/b.ts']);
  check('node/net/a.ts', "import tls from 'node:tls';\nimport { b } from '../../transfer/b.ts';", []);
  check('node/net/a.ts', "import { b } from '../disk/b.ts';", []);
  check('node/net/a.ts', "await import('../../engine/b.ts');", ['imports ../../engine/b.ts']);
  check('node/disk/a.ts', "import { rmSync } from 'node:fs';", ['imports node:fs']);
  check('node/disk/a.ts', "import type { Stats } from 'fs';", ['imports fs']);
  check('node/disk/a.ts', "import { open } from 'node:fs/promises';", ['imports node:fs/promises']);
  check('node/disk/systemFiles.ts', "import { rmSync } from 'node:fs';", []);
  check('node/state/a.ts', "import { rmSync } from 'node:fs';", []);
  check('node/a.ts', "import vscode from 'vscode';", ['imports vscode']);
  check('node/a.ts', 'await import(name);', ['imports a computed name']);
  check('node/a.ts', 'await import(`./${name}.ts`);', ['imports a computed name']);
  check('node/a.ts', "await import('./a' + name);", ['imports a computed name']);
  check('engine/a.ts', "import { b } from '../cli/b.ts';", ['imports ../cli/b.ts']);
  check('cli/a.ts', "import { b } from '../engine/b.ts';", []);
  check('cli/a.ts', "import { b } from '../editor/b.ts';", ['imports ../editor/b.ts']);
  check('editor/views/a.ts', "import { b } from '../../rpc/b.ts';\nimport * as vscode from 'vscode';", []);
  check('editor/a.ts', "import { b } from '../node/b.ts';", ['imports ../node/b.ts']);
  check('editor/a.ts', "import { b } from 'node:tls';", ['imports node:tls']);
  check('extension.ts', "import { b } from './editor/b.ts';", []);
  check('extension.ts', "import { b } from './engine/b.ts';", ['imports ./engine/b.ts']);
  check('editor/a.ts', "import { b } from '../extension.ts';", ['imports ../extension.ts']);
  check('cli/a.ts', "import { b } from '../../test/b.ts';", ['imports ../../test/b.ts']);
  check('cli/a.ts', "import { b } from '../../scripts/setup.mjs';", ['imports ../../scripts/setup.mjs']);
  check('main.ts', '', ['lies in no known room']);
  check('utils/a.ts', '', ['lies in no known room']);
});

test('the checker takes neither comments nor texts for imports', () => {
  const check = (source: string, expected: readonly string[]): void => {
    assert.deepEqual(importsOf(tokenize(source)), expected, source);
  };
  check("// import 'a';\n/* import 'b'; */ import 'c';", ['c']);
  check('const a = "import \'b\'"; import {\n  c,\n} from "d";', ['d']);
  check("const a = `import 'b' ${`${import('c')}`} // `; import 'd';", ['c', 'd']);
  check("const a = `${{ b: '}' }.b}`; import 'c';", ['c']);
  check("const a = /['\"`/*]/.test(b) ? 1 / 2 : c / d; import 'e';", ['e']);
  check("export const from = 'a'; export { b }; export default c;\nimport 'd';", ['d']);
  check("import { from } from 'a'; import.meta.url; x.import('b');", ['a']);
  check('await import(`a`, { with: {} });', ['a']);
});

test('the checker sees what a pure room may not touch', () => {
  const check = (source: string, expected: readonly string[]): void => {
    const problems = expected.map((name) => `uses ${name}`);
    assert.deepEqual(violations('transfer/a.ts', source), problems, source);
    assert.deepEqual(violations('engine/a.ts', source), [], 'a room on Node may');
  };
  check('const now = Date.now();', ['Date']);
  check('const now = new Date();', ['Date']);
  check('const x = Math.random() + Math.max(1, 2);', ['Math.random']);
  check("const x = Math['random']();", ['Math.random']);
  check('setTimeout(a, 1); setInterval(a, 1); setImmediate(a);', [
    'setTimeout',
    'setInterval',
    'setImmediate',
  ]);
  check('globalThis.setTimeout(a, 1);', ['globalThis']);
  check('process.exit(); process?.env;', ['process.exit', 'process.env']);
  check('const a = [...Buffer.from(b)];', ['Buffer']);
  check('performance.now(); crypto.subtle;', ['performance.now', 'crypto.subtle']);
  check('const a = `${process.pid}`;', ['process.pid']);
  check('clock.setTimeout(a); ports.crypto.digest(b); const process = 1; // Date.now()', []);
  check("const a = 'Date.now()';", []);
});

type LintRules = Readonly<Record<string, unknown>>;
type LintConfig = {
  readonly overrides: readonly { readonly files: readonly string[]; readonly rules: LintRules }[];
};
type ImportRule = readonly [
  'error',
  { readonly patterns: readonly { readonly regex?: string; readonly group?: readonly string[] }[] },
];

test('the linter is configured with the same layers', () => {
  const config = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')) as LintConfig;
  const globOf = (room: string): string => `src/${room}/**/*.ts`;
  const names = Object.keys(ROOMS);

  const layered = config.overrides.filter(({ rules }) => Object.hasOwn(rules, 'no-restricted-imports'));
  assert.deepEqual(
    layered.flatMap(({ files }) => files),
    [...names.map(globOf), `src/${ENTRY_FILE}`],
  );
  const pure = config.overrides.find(({ rules }) => Object.hasOwn(rules, 'no-restricted-globals'));
  assert.deepEqual(pure?.files, names.filter((name) => ROOMS[name]?.isPure).map(globOf));

  for (const { files, rules } of layered) {
    const name = files[0]?.split('/')[1] ?? '';
    const room = ROOMS[name] ?? ENTRY;
    const prefix = room === ENTRY ? './' : '../';
    const [, { patterns }] = rules['no-restricted-imports'] as ImportRule;
    const isBanned = (specifier: string): boolean =>
      patterns.some(({ regex }) => regex !== undefined && new RegExp(regex).test(specifier));
    assert.deepEqual(
      names.filter((other) => other !== name && !isBanned(`${prefix}${other}/a.ts`)).toSorted(),
      [...room.rooms].toSorted(),
      `rooms that ${name} may import`,
    );
    const allowed = patterns
      .flatMap(({ group }) => group ?? [])
      .filter((pattern) => pattern.startsWith('!') && !pattern.startsWith('!.'))
      .map((pattern) => pattern.slice(1));
    assert.deepEqual(
      allowed,
      room.packages === 'outside' ? [] : room.packages,
      `packages that ${name} may import`,
    );
  }
});
