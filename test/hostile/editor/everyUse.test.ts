/**
 * Holds the source of the editor's part to this: a text of a peer is made inert where it is shown, and every file
 * that shows anything is one that `surfaces.test.ts` runs. What is new and is neither, fails here.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { test } from 'node:test';
import { looseUses } from './support/looseUses.ts';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
const sources = new Map(
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name.split(sep).join('/'), readFileSync(join(ROOT, 'src', name), 'utf8')]),
);

/** Uses that are not, or not yet, on a surface: which, and why that is right. */
const ALLOWED: Readonly<Record<string, string>> = {
  'editor/commands/showActions.ts: label': 'a parameter; its callers give words of ours',
  'editor/knownPeers/renamePeer.ts: peer.name': 'compared',
  'editor/knownPeers/setPeerPolicy.ts: detail': 'a parameter; the one that holds a folder is made inert',
  'editor/knownPeers/setPeerPolicy.ts: label': 'a parameter; its callers give words of ours',
  'editor/offers/acceptFlow.ts: offer.roots': 'names that are looked for on the disk',
  'editor/offers/offerPrompt.ts: notableSentence': 'made inert in the next line',
  'editor/send/confirmSend.ts: largest': 'made inert with the rest of the notes',
  'editor/settingProblems.ts: sentenceFor': 'a function of its own, of words of ours',
  'editor/statusBar.ts: label': 'a variable; what it is made of is inert',
  'editor/statusBar.ts: shown.label': 'as above',
  'editor/views/peersView.ts: receiver.addresses':
    'kept for the row and for copying; deviceLineItem makes it inert',
  'editor/views/peersView.ts: device.machine': 'compared',
  'editor/views/peersView.ts: device.name': 'compared',
  'editor/views/peersView.ts: peer.addresses': 'made inert with the description',
  'editor/views/transferItem.ts: peerName': 'made inert with the description',
  'editor/views/transferItem.ts: details': 'made inert line by line',
  'editor/views/transfersView.ts: sentenceFor': 'kept for the row; transferLineItem makes it inert',
  'editor/views/transfersView.ts: failedEntries': 'as above',
};

/** Files that show words, and never one that is not ours. */
const ONLY_OURS: Readonly<Record<string, string>> = {
  'editor/commands/showActions.ts': 'actions by their names',
  'editor/contextKeys.ts': 'states, for when clauses',
  'editor/news.ts': 'three sentences',
  'editor/pairing/openLink.ts':
    'a fingerprint in hexadecimal digits; link.test.ts follows links of all sorts',
  'editor/pairing/pairByCode.ts': 'six digits, and an address of this machine or as its user typed it',
  'editor/pairing/createInvite.ts': 'a sentence with a time of day',
  'editor/offers/askFolder.ts': 'loaded by those that are run',
  'editor/pick.ts': 'what it is given; who gives it is looked at',
  'editor/progress.ts': 'titles and counts of ours',
  'editor/received/receivedTarget.ts': 'loaded by those that are run',
  'editor/send/selection.ts': 'a question with buttons',
  'editor/send/shareCommand.ts': 'a time of day, and the name of what its user has picked, made inert',
  'editor/settingProblems.ts': 'sentences with defaults',
  'editor/views/deviceItem.ts': 'loaded by those that are run',
  'editor/views/nearbyItem.ts': 'loaded by those that are run',
  'editor/views/transferItem.ts': 'loaded by those that are run',
};

/** What puts words before a user. */
const SURFACE =
  /\bwindow\.(?:show|create(?!OutputChannel)|with|set|register)\w*|\bnew TreeItem\b|\bpick\(|\bexecuteCommand\(/u;

test('case 170: every text of a peer in the editor’s source is made inert, or listed with a reason', () => {
  const found = new Set<string>();
  for (const [file, source] of sources) {
    // What `words/` returns is looked at where it is used, and `model/` shows nothing.
    if (!/^editor\/(?!model\/|words\/)/u.test(file)) continue;
    for (const { use, line } of looseUses(source)) {
      assert.ok(`${file}: ${use}` in ALLOWED, `${file}:${line} shows ${use} as it is`);
      found.add(`${file}: ${use}`);
    }
  }
  assert.deepEqual([...found].toSorted(), Object.keys(ALLOWED).toSorted());
});

test('the search for such uses finds them', () => {
  const loose = [
    'item.description = peer.name;',
    'const item = new TreeItem(transfer.label);',
    'window.showInformationMessage(l10n.t("{0}", transfer.peer.name));',
    'const shown = `from ${device.name}`;',
    'function f({ label }: A): string { return label; }',
    'say(sentenceFor(failure, undefined));',
    'const detail = failure.detail;',
    'x(plainText(a), peer.name);',
    'const item = { label, title };',
  ];
  for (const source of loose) assert.notEqual(looseUses(source).length, 0, source);
  const inert = [
    'item.description = plainText(peer.name);',
    'item.tooltip = [peer.name, ...peer.addresses].map(plainText).join();',
    'l10n.t("{0}", noticeText(transfer.label));',
    'plainText(l10n.t("{0} {1}", peer.name, transfer.label));',
    '// peer.name',
    'const { label, peer } = transfer;',
    'function f({ label }: A, b: B): string { return plainText(label); }',
    'const found = all.map(({ label }) => iconText(label));',
  ];
  for (const source of inert) assert.deepEqual(looseUses(source), [], source);
});

test('case 170: every file that shows anything is run with hostile texts, or listed with a reason', () => {
  const suite = readFileSync(join(import.meta.dirname, 'surfaces.test.ts'), 'utf8');
  const shows = [...sources].filter(([file, source]) => file.startsWith('editor/') && SURFACE.test(source));
  assert.ok(shows.length > 20);
  const notRun = shows.map(([file]) => file).filter((file) => !suite.includes(`src/${file}'`));
  assert.deepEqual(notRun.toSorted(), Object.keys(ONLY_OURS).toSorted());
});

test('case 170, 174, 175: there is no markdown of ours, no webview, no markup that is trusted', () => {
  for (const [file, source] of sources) {
    assert.doesNotMatch(source, /MarkdownString|isTrusted|supportHtml|supportThemeIcons/u, file);
    assert.doesNotMatch(source, /[Ww]ebview|CustomTextEditor|CustomReadonlyEditor|createTerminal/u, file);
  }
});

test('case 170: commands are executed by names of ours only', () => {
  for (const [file, source] of sources) {
    for (const { groups } of source.matchAll(/executeCommand\(\s*(?<command>[^,)]*)/gu)) {
      const command = groups?.['command'] ?? '';
      // A row of `showActions` holds one of the names that stand in that file.
      const isOurs = /^['`](?:peerCourier|vscode|workbench|reveal\w*|setContext)\b/u.test(command);
      assert.ok(isOurs || (file === 'editor/commands/showActions.ts' && command === 'item.command'), file);
    }
  }
});

test('case 173: the terminal is written to, and the log made, in one place each', () => {
  const writes = (pattern: RegExp): string[] =>
    [...sources].filter(([, source]) => pattern.test(source)).map(([file]) => file);
  // main.ts: the usage, the version, and what escapes both outputs; standardStreams.ts: why the output has failed; the
  // engine’s: what its window logs.
  const speakers = ['cli/main.ts', 'cli/output.ts', 'cli/standardStreams.ts', 'engine/main.ts'];
  assert.deepEqual(writes(/std(?:out|err)\.write\(/u).toSorted(), speakers);
  assert.deepEqual(writes(/output: process\.stdout/u), ['cli/question.ts']);
  assert.deepEqual(writes(/\bconsole\./u), []);
  assert.deepEqual(writes(/createOutputChannel/u), ['extension.ts']);
  assert.deepEqual(writes(/LogOutputChannel/u), ['editor/log.ts']);
  for (const file of speakers) {
    for (const { groups } of (sources.get(file) ?? '').matchAll(
      /std(?:out|err)\.write\((?<what>[^;]*)\);/gu,
    )) {
      const what = groups?.['what'] ?? '';
      const isSafe =
        /printable\w*\(|wholeLine\(/u.test(what) ||
        ['USAGE', '`${version()}\\n`', '`${READY_LINE}\\n`', 'text', String.raw`'\r\u001b[K'`].includes(
          what,
        ) ||
        what.startsWith('progressLine(');
      assert.ok(isSafe, `${file}: ${what}`);
    }
  }
});
