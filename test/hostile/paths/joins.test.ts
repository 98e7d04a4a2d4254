/**
 * Case 69: nobody joins a peer's string to a path. Every part of every location that source makes is a constant or stands
 * below, with what makes it safe. A new `join(folder, label)` fails here: whoever adds a line says why it may stand.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { isConstant, joinsOf } from './joins.ts';

const SOURCE = join(import.meta.dirname, '..', '..', '..', 'src');
const ROOMS = ['node', 'engine', 'cli', 'editor'];

/** Why a part may be in a location: by file, the reason and the parts. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'node/disk/durability.ts': { 'a folder of ours and what it lists': ['staging', 'name'] },
  'node/disk/folderDestination.ts': {
    'names of a SafePath': ['this.#init.folder', '...place.parents', 'place.name'],
  },
  'node/disk/folderPublisher.ts': {
    'the receive folder': ['this.#init.folder', 'folder', 'this.#init.root', 'location'],
    'hexadecimal by its schema, looked at again in receiveFolder.ts': ['this.#init.transfer'],
    'names of a SafePath': [
      '...parents',
      '...place.parents.slice(0, depth)',
      '...namesOf(entry.path)',
      'name',
    ],
  },
  'node/disk/heldFolders.ts': {
    'numbers of the system': ["readlinkSync('/proc/self')", 'descriptors()', 'descriptor'],
    'made of parts elsewhere': ['location'],
  },
  'node/disk/heldRemoval.ts': { 'a number of the system': ['folder'] },
  'node/disk/ignoreRules.ts': {
    'what is being sent, as the disk lists it': ['location', 'name', 'folder', 'this.#path'],
  },
  'node/disk/pageFiles.ts': {
    'a folder of ours, a kind and a number': ['this.#folder', '`${kind}-${page}`'],
  },
  'node/disk/placement.ts': {
    'folders of the transfer': [
      'staging',
      'this.#folder',
      'this.#parts',
      'this.#tree',
      'isStaged ? this.#tree : this.#folder',
    ],
    'a digest in hexadecimal': ["hash('sha256', path, 'hex')"],
    'a SafePath, or names of one': [
      'path',
      'entry.path',
      'name',
      '...names',
      '...parents',
      '...names.slice(0, -1)',
      '...this.#finalNames(entry.path)',
    ],
    'a name from the journal, which parses it as a SafePath of one name': ["announced ?? names.at(-1) ?? ''"],
  },
  'node/disk/pruning.ts': {
    'a folder of the transfer and what it lists': ['staging', 'location', 'name'],
    'names of a SafePath': ["offered ?? ''", '...open.slice(1).map(({ name }) => name)'],
  },
  'node/disk/publish.ts': {
    'made of parts elsewhere': ['folder', 'parts'],
    'names of a SafePath, with a number': [
      'candidate',
      'name',
      "this.findFreeName(folder, basename(backup), 'file')",
    ],
  },
  'node/disk/publishedJournal.ts': { 'a folder of the transfer': ['this.#staging.staging'] },
  'node/disk/receiveFolder.ts': {
    'named by the user': ['this.location', 'root'],
    'hexadecimal: looked at where it is joined': ['transfer'],
  },
  'node/disk/secretNames.ts': {
    'compared with a table, never opened': ['folderName.toLowerCase()', 'lower'],
  },
  'node/disk/staging.ts': { 'a folder of ours and what it lists': ['location', 'name'] },
  'node/disk/walk.ts': { 'what is being sent, as the disk lists it': ['step.path', 'name'] },
  'node/state/inviteFiles.ts': {
    'a folder of ours and what it lists': ['this.#folder', 'file'],
    'sixteen hexadecimal digits: looked at before': ['invite', '`${invite}.json`'],
  },
  'node/state/knownPeers.ts': {
    'a folder of ours': ['this.#folder'],
    'a fingerprint: hexadecimal by its type': ['fingerprint', 'this.#folderOf(fingerprint)'],
    'a constant, or what the folder lists': ['name'],
  },
  'node/state/stateFile.ts': { 'a file of ours': ['file', "randomBytes(6).toString('hex')"] },
  'node/surroundings/readSurroundings.ts': {
    'a number, in words for a program': ['port'],
    'where Windows keeps its programs': ["process.env['SystemRoot'] ?? String.raw`C:\\Windows`"],
  },
  'engine/courier.ts': { 'a folder of ours, or the home folder': ['storage', 'homedir()'] },
  'engine/endpoint.ts': { 'a folder of ours': ['storage'] },
  'engine/jobFiles.ts': {
    'a folder of ours and what it lists': ['this.#folder', 'name', 'file'],
    'hexadecimal: parsed where it is joined': [
      'this.#nameOf(item)',
      'v.parse(id, item)',
      '`${v.parse(id, item)}.last-seen`',
    ],
  },
  'engine/localSocket.ts': {
    'the temporary folder and who runs this': [
      'tmpdir()',
      '`peer-courier-${userInfo().uid}`',
      'folder',
      'path',
    ],
    'a digest in hexadecimal': ['name', '`${name}.sock`'],
  },
  'engine/main.ts': { 'a folder of ours': ['storage'] },
  'engine/offerDetails.ts': {
    'named by the user': ['folder', 'realLocation(parent)', 'location.slice(parent.length)'],
    'top-level names of SafePaths': ['name'],
  },
  'engine/outgoingTransfers.ts': {
    'a folder of ours': ['this.#init.outboxes'],
    'drawn at random, or listed, or looked at before': ['toHex(randomBytes(16))', 'name'],
  },
  'engine/sender.ts': { 'picked by the user': ['path'] },
  'engine/stateFolder.ts': {
    'a folder of ours and what it lists': ['location', 'this.location', 'kind', 'parent', 'name'],
    'hexadecimal by their schemas': ['`${process.pid}-${transfer}`', '`${process.pid}-${session}`'],
    'the home folder and where the system keeps state': [
      'home',
      "process.env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local')",
      "process.env['XDG_STATE_HOME'] ?? join(home, '.local', 'state')",
    ],
  },
  'engine/transferLock.ts': {
    'a folder of ours': ['state', 'this.#folder'],
    'hexadecimal by its schema': ['id', '`${id}.sock`'],
  },
  'cli/discard.ts': { words: ['record.id', 'where'] },
  'cli/format.ts': { words: ['formatBytes(Math.round(bytesPerSecond))'] },
  'cli/leftTransfers.ts': { 'named by the user': ['state ?? defaultStateFolder()', 'location'] },
  'cli/peers.ts': { 'named by the user': ['policy.folder'], words: ['where', 'record.id'] },
  'cli/send.ts': { 'named by the user': ['path'] },
  'editor/startUp.ts': { 'a folder of ours': ['storage', 'folder'] },
  'editor/model/inviteLink.ts': {
    'a link, and not a path: the scheme of this editor and letters of base64url': [
      'scheme',
      'invite.slice(PREFIX.length)',
    ],
  },
  'editor/engine/endpoint.ts': { 'a folder of ours': ['storage', 'file'] },
  'editor/engine/hostId.ts': { 'a folder of ours': ['storage'] },
  'editor/engine/identityKeeper.ts': { 'the name of a secret': ['await readHostId(this.#storage)'] },
  'editor/model/engineSettings.ts': { 'named by the user': ['home', 'text.slice(2)'] },
  'editor/model/selection.ts': {
    'picked by the user': ['scheme', 'authority', String.raw`path.replace(/(?<!\/)\/+$/u, '')`],
  },
  'editor/offers/acceptFlow.ts': {
    'named by the user': ['folder'],
    'top-level names of SafePaths': ['name'],
  },
  'editor/received/compare.ts': { 'a search, escaped by globOf': ['globOf(name)'] },
  'editor/received/receivedCommands.ts': { 'what was received': ['uri'] },
  'editor/received/receivedTarget.ts': {
    'what was received: shown and opened, never written': ['folder', 'name', 'first', 'item.candidate'],
  },
  'editor/send/selection.ts': { 'picked by the user': [String.raw`root.path.replace(/(?<!\/)\/+$/u, '')`] },
  'editor/send/stageFiles.ts': {
    'copied from where the user picked, as it lists it': ['target', 'name', 'from', 'to'],
  },
  'editor/views/deviceItem.ts': { 'the id of a line in a view': ['line', 'text'] },
  'editor/views/nearbyItem.ts': { 'the id of a line in a view': ['fingerprint'] },
  'editor/views/peersView.ts': { 'the id of a line in a view': ['peer.fingerprint'] },
  'editor/views/receivedView.ts': { 'the id of a line in a view': ['id', 'received.id', 'name'] },
  'editor/views/transferItem.ts': { 'the id of a line in a view': ['transfer.id', 'transfer', 'index'] },
};

/** What is joined in a file without a reason. */
function unexplained(path: string, source: string): readonly string[] {
  const allowed = new Set(Object.values(ALLOWED[path] ?? {}).flat());
  return joinsOf(source).flatMap(({ text, parts }) =>
    parts
      .filter((part) => !isConstant(part) && !allowed.has(part))
      .map((part) => `src/${path}: ${part} in ${text}`),
  );
}

const files = ROOMS.flatMap((room) =>
  readdirSync(join(SOURCE, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${room}/${name.split(sep).join('/')}`),
);
const sourceOf = (path: string): string => readFileSync(join(SOURCE, path), 'utf8');

test('case 69: every part of every location is a constant, or has its reason', () => {
  assert.ok(files.length > 100, 'there is no source to check');
  assert.deepEqual(
    files.flatMap((path) => unexplained(path, sourceOf(path))),
    [],
  );
});

test('case 69: every reason is needed', () => {
  const unneeded = Object.entries(ALLOWED).flatMap(([path, reasons]) => {
    const parts = new Set(joinsOf(sourceOf(path)).flatMap((each) => each.parts));
    return Object.values(reasons)
      .flat()
      .filter((part) => !parts.has(part))
      .map((part) => `${path}: ${part}`);
  });
  assert.deepEqual(unneeded, []);
});

test('case 69: the functions that join go by their own names', () => {
  for (const path of files) {
    for (const [line] of sourceOf(path).matchAll(/import [^;]*from 'node:path(?:\/\w+)?';/gu)) {
      assert.match(line, /^import \{ [\w, ]+ \} from 'node:path';$/u, path);
      assert.doesNotMatch(line, / as |normalize|posix|win32/u, path);
    }
  }
});

test('case 69: a join of anything new is seen', () => {
  const check = (source: string, expected: readonly string[]): void => {
    assert.deepEqual(
      unexplained('engine/main.ts', source),
      expected.map((each) => `src/engine/main.ts: ${each}`),
      source,
    );
  };
  check("join(storage, 'crash.log')", []);
  check('join(storage, label)', ['label in join(storage, label)']);
  check('join(\n  storage,\n  offer.label,\n)', ['offer.label in join(storage, offer.label)']);
  check('join(storage, f(a, b), [c, d].at(0))', [
    'f(a, b) in join(storage, f(a, b), [c, d].at(0))',
    '[c, d].at(0) in join(storage, f(a, b), [c, d].at(0))',
  ]);
  check('`${storage}/${name}`', ['name in `${storage}/${name}`']);
  check('`${storage}/x`; `${label}.json`', ['label in `${label}.json`']);
  check('Uri.joinPath(storage, peer.name)', ['peer.name in Uri.joinPath(storage, peer.name)']);
  check("import { resolve } from 'node:path';\nresolve(label)", ['label in resolve(label)']);
  check("resolve(label); names.join(label); ['a'].join('/')", []);
});
