/**
 * Holds what package.json promises and what people read to the source: every command is registered, every
 * string is there in every language with its placeholders, every setting says what it is and who may set it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..', '..');
const LANGUAGES = ['es', 'ru'];
/** A call of `l10n.t` and its first argument; another quote or a template would escape the bundles. */
const CALL = /l10n\.t\(\s*(?:'(?<text>(?:[^'\\\n]|\\.)*)')?/gu;

type Command = { readonly command: string; readonly title: string; readonly when?: string };
type Setting = {
  readonly scope?: string;
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly order?: number;
};
type Manifest = {
  readonly extensionKind: readonly string[];
  readonly capabilities: {
    readonly virtualWorkspaces: { readonly supported: string };
    readonly untrustedWorkspaces: { readonly supported: string; readonly restrictedConfigurations: string[] };
  };
  readonly contributes: {
    readonly viewsWelcome: readonly { readonly contents: string; readonly when?: string }[];
    readonly commands: readonly Command[];
    readonly menus: Readonly<Record<string, readonly Command[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly walkthroughs: readonly {
      readonly steps: readonly { readonly media: { readonly svg: string } }[];
    }[];
  };
};

const manifestText = read('package.json');
const manifest = JSON.parse(manifestText) as Manifest;
const { commands, menus, configuration, walkthroughs } = manifest.contributes;
const sources = readdirSync(join(ROOT, 'src', 'editor'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(join('src', 'editor', name)));
const strings = new Set<string>();

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function readTexts(path: string): Readonly<Record<string, string>> {
  return JSON.parse(read(path)) as Readonly<Record<string, string>>;
}

function marks(text: string): readonly string[] {
  return (text.match(/\{\d\}|\]\(command:[^)]*\)|`[^`]*`/gu) ?? []).toSorted();
}

test('every l10n.t has a literal', () => {
  for (const source of sources) {
    for (const { groups, index } of source.matchAll(CALL)) {
      const text = groups?.['text'];
      assert.ok(text !== undefined, source.slice(index, index + 80));
      strings.add(text.replace(/\\(.)/gu, '$1'));
    }
  }
  assert.ok(strings.size > 100);
});

for (const language of LANGUAGES) {
  test(`the code's strings in ${language}`, () => {
    const bundle = readTexts(`l10n/bundle.l10n.${language}.json`);
    assert.deepEqual(Object.keys(bundle).toSorted(), [...strings].toSorted());
    for (const [text, translated] of Object.entries(bundle)) {
      assert.notEqual(translated.trim(), '', text);
      assert.deepEqual(marks(translated), marks(text), text);
    }
  });

  test(`the manifest's strings in ${language}`, () => {
    const english = readTexts('package.nls.json');
    const bundle = readTexts(`package.nls.${language}.json`);
    assert.deepEqual(Object.keys(bundle), Object.keys(english));
    for (const [key, text] of Object.entries(english)) {
      assert.deepEqual(marks(bundle[key] ?? ''), marks(text), key);
    }
  });
}

test('the manifest names the strings that are there, and all of them', () => {
  const named = [...manifestText.matchAll(/"%(?<key>[^"%]+)%"/gu)].map(({ groups }) => groups?.['key'] ?? '');
  assert.deepEqual([...new Set(named)].toSorted(), Object.keys(readTexts('package.nls.json')).toSorted());
});

test('every command is registered and every menu names one', () => {
  const table = read('src/editor/commands/registerCommands.ts');
  const registered = [...table.matchAll(/'(?<id>peerCourier\.\w+)',/gu)].map(
    ({ groups }) => groups?.['id'] ?? '',
  );
  const declared = commands.map(({ command }) => command);
  assert.deepEqual(registered.toSorted(), declared.toSorted());
  for (const item of Object.values(menus).flat()) assert.ok(declared.includes(item.command), item.command);
});

test('commands that need a row are not in the palette', () => {
  const hidden = (menus['commandPalette'] ?? []).filter(({ when }) => when === 'false');
  assert.deepEqual(hidden.map(({ command }) => command.replace('peerCourier.', '')).toSorted(), [
    'compareWithWorkspaceFile',
    'copyDigest',
    'copyText',
    'open',
    'removeReceived',
    'removeTransfer',
    'reveal',
    'showActions',
  ]);
});

test('case 180: every setting has a description, a default and a scope that no repository can abuse', () => {
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, 'limited');
  // What a workspace may set, once it is trusted: only what is left out of what its user sends.
  assert.deepEqual(restrictedConfigurations, ['peerCourier.useGitignore', 'peerCourier.leaveOutSecrets']);
  for (const [id, setting] of Object.entries(configuration.properties)) {
    assert.match(setting.markdownDescription ?? '', /^%setting\./u, id);
    assert.notEqual(setting.default, undefined, id);
    assert.notEqual(setting.order, undefined, id);
    const expected = restrictedConfigurations.includes(id) ? 'resource' : 'machine';
    assert.equal(setting.scope, expected, id);
  }
});

test('case 183: the extension runs where the files are or where the user is, and a remote window says so', () => {
  const { extensionKind, capabilities, contributes } = manifest;
  assert.deepEqual(extensionKind, ['ui', 'workspace']);
  assert.equal(capabilities.virtualWorkspaces.supported, 'limited');
  const remote = contributes.viewsWelcome.filter(({ contents }) => contents === '%welcome.peers.remote%');
  assert.equal(remote.length, 1);
  assert.match(remote[0]?.when ?? '', /peerCourier\.isRemoteHost/u);
});

test('the pictures of the walkthrough are there and follow the theme', () => {
  const steps = walkthroughs.flatMap((walkthrough) => walkthrough.steps);
  assert.equal(steps.length, 4);
  for (const { media } of steps) assert.match(read(media.svg), /var\(--vscode-/u);
});
