import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../../../../src/base/logger.ts';
import { CourierError } from '../../../../src/base/failure.ts';
import { readEndpoint } from '../../../../src/editor/engine/endpoint.ts';
import { HistoryFile } from '../../../../src/engine/historyFile.ts';
import { RecordFiles } from '../../../../src/engine/jobFiles.ts';
import { ReceiverNote } from '../../../../src/engine/receiverNote.ts';
import { StateFolder } from '../../../../src/engine/stateFolder.ts';
import { PublishedJournal } from '../../../../src/node/disk/publishedJournal.ts';
import { systemFiles } from '../../../../src/node/disk/systemFiles.ts';
import { KnownPeers } from '../../../../src/node/state/knownPeers.ts';
import { InviteFiles } from '../../../../src/node/state/inviteFiles.ts';
import { namesOf, parseSafePath } from '../../../../src/protocol/wirePath.ts';
import { Dice } from '../dice.ts';
import { jsonSeed, mutateJson } from '../mutateJson.ts';
import type { JsonSeed } from '../mutateJson.ts';
import { mutateBytes } from '../mutateBytes.ts';
import { someAddress, someCount, someFingerprint, someHex, someName, someText } from '../sound.ts';
import { checkSameAgain } from '../target.ts';
import type { FuzzTarget, Verdict } from '../target.ts';
import { formatAddress } from '../../../../src/peers/address.ts';
import { fingerprintOf } from '../../../../src/peers/fingerprint.ts';

const ID = '0123456789abcdef0123456789abcdef';
const INVITE = '0011223344556677';
const PEER = fingerprintOf(new Uint8Array(32).fill(7));
const NOW = 1_700_000_000_000;
const SEEDS_OF_EACH = 20;
const quiet: Logger = { debug: () => undefined, warn: () => undefined };

/** One kind of file of ours: where it lies, what sound ones say, and how it is read. */
interface KeptFile {
  readonly place: string;
  readonly make: (dice: Dice) => unknown;
  /** What it says, `undefined` if it was refused; may throw `state-unusable`. */
  readonly read: (folder: string) => unknown;
}

const time = (dice: Dice): number => NOW + dice.below(1000);
const seen = (dice: Dice): unknown => ({
  progress: { bytesDone: someCount(dice), bytesTotal: someCount(dice), entriesDone: 1, entriesTotal: 2 },
  failure: { code: dice.pick(['gone', 'disk-full']), detail: someText(dice), origin: 'remote' },
});

const FILES: Readonly<Record<string, KeptFile>> = {
  published: {
    place: 'staging/published',
    make: (dice) => [someName(dice), someName(dice)],
    read(folder) {
      const staging = { disk: systemFiles, root: folder, staging: join(folder, 'staging') };
      const names = new PublishedJournal(staging).read();
      for (const name of names.values()) {
        const parsed = parseSafePath(name);
        assert.ok('path' in parsed && namesOf(parsed.path).length === 1, name);
      }
      return names.size === 0 ? undefined : [...names];
    },
  },
  job: {
    place: `jobs/${ID}.json`,
    make: (dice) => ({
      id: ID,
      paths: ['/home/user/a', someText(dice)],
      peer: someFingerprint(dice),
      label: someText(dice),
      useGitignore: true,
      leaveOutSecrets: dice.isLess(0.5),
      ...(dice.isLess(0.5) ? { outbox: '/somewhere', window: 'w' } : {}),
      startedAtMs: time(dice),
      isPaused: false,
      wasAccepted: true,
    }),
    read: (folder) => readRecord(RecordFiles.jobs(join(folder, 'jobs'), quiet)),
  },
  accepted: {
    place: `accepted/${ID}.json`,
    make: (dice) => ({
      id: ID,
      peer: someFingerprint(dice),
      peerName: someText(dice),
      label: someText(dice),
      folder: '/home/user/Downloads',
      ...(dice.isLess(0.5) ? { folderIdentity: { dev: 1, ino: someCount(dice) } } : {}),
      onConflict: dice.pick(['skip', 'keep-both', 'replace']),
      agreed: { roots: [someName(dice)], rootCount: 1, files: 1, bytes: someCount(dice) },
      startedAtMs: time(dice),
    }),
    read: (folder) => readRecord(RecordFiles.accepted(join(folder, 'accepted'), quiet)),
  },
  'last seen': {
    place: `jobs/${ID}.last-seen`,
    make: seen,
    read: (folder) => RecordFiles.jobs(join(folder, 'jobs'), quiet).lastSeen(ID),
  },
  history: {
    place: 'received.json',
    make: (dice) => ({
      version: 1,
      received: dice.list(3, () => ({
        id: someHex(dice, 16),
        label: someText(dice),
        peer: { name: someText(dice), fingerprint: someFingerprint(dice) },
        folder: '/home/user/Downloads',
        names: [someName(dice)],
        files: 1,
        folders: 0,
        bytes: someCount(dice),
        digest: someHex(dice, 32),
        receivedAtMs: time(dice),
      })),
    }),
    read(folder) {
      const received = HistoryFile.open(join(folder, 'received.json'), quiet).list();
      return received.length === 0 ? undefined : received;
    },
  },
  'known peers': {
    place: `peers/${PEER}/peer.json`,
    make: (dice) => ({
      version: 1,
      fingerprint: dice.isLess(0.9) ? PEER : someFingerprint(dice),
      name: someText(dice),
      pairedAtMs: time(dice),
    }),
    read: (folder) => new StateFolder(folder).peers.list(),
  },
  'name of a peer': {
    place: `named/${PEER}/name.json`,
    make: (dice) => ({ version: 1, fingerprint: PEER, name: someText(dice) }),
    read: (folder) => knownIn(folder, 'named').list(),
  },
  'name that a peer is shown under': {
    place: `shown/${PEER}/shown.json`,
    make: (dice) => ({
      version: 1,
      fingerprint: PEER,
      of: dice.isLess(0.5) ? 'Anna' : someText(dice),
      name: someText(dice),
    }),
    read: (folder) => knownIn(folder, 'shown').list(),
  },
  'policy of a peer': {
    place: `policies/${PEER}/policy.json`,
    make: (dice) => ({
      version: 1,
      fingerprint: PEER,
      policy: dice.pick([
        { kind: 'ask' },
        { kind: 'accept', upToBytes: 1 + dice.below(1e9), folder: '/home/user/in' },
      ]),
    }),
    read(folder) {
      const { policy } = knownIn(folder, 'policies').find(PEER) ?? assert.fail('nobody is known');
      if (policy.kind === 'unreadable') return undefined;
      assert.ok(policy.kind === 'ask' || (policy.kind === 'accept' && policy.upToBytes >= 1));
      return policy;
    },
  },
  'where a peer was reached': {
    place: `reached/${PEER}/reached.json`,
    make: (dice) => ({ addresses: dice.list(3, () => formatAddress(someAddress(dice))) }),
    read(folder) {
      const { addresses } = knownIn(folder, 'reached').find(PEER) ?? assert.fail('nobody is known');
      assert.ok(addresses.every(({ host, port }) => host !== '' && port > 0 && port < 65_536));
      return addresses.length === 0 ? undefined : addresses;
    },
  },
  invite: {
    place: `invites/${INVITE}.json`,
    make: (dice) => ({
      token: someHex(dice, 16),
      madeAtMs: NOW - dice.below(1000),
      bootMs: dice.below(1000),
    }),
    read(folder) {
      const token = new InviteFiles(join(folder, 'invites'), {
        wallMs: () => NOW,
        bootMs: () => 1000,
      }).tokenOf(INVITE);
      if (token !== undefined) assert.equal(token.length, 16);
      return token === undefined ? undefined : [...token];
    },
  },
  listening: {
    place: 'listening.json',
    make: (dice) => ({ pid: process.pid, addresses: [formatAddress(someAddress(dice))] }),
    read(folder) {
      const addresses = new StateFolder(folder).listeningAddresses();
      return addresses.length === 0 ? undefined : addresses;
    },
  },
  'receiver note': {
    place: 'receiver-was-on',
    make: (dice) => NOW - dice.below(1000),
    read: (folder) => new ReceiverNote(join(folder, 'receiver-was-on')).take(NOW) || undefined,
  },
  endpoint: {
    place: 'endpoint.json',
    make: (dice) => ({ path: '/somewhere/engine.sock', token: someHex(dice, 32) }),
    read: async (folder) => readEndpoint(folder, 'endpoint.json'),
  },
};

/** The peers in a folder, with one that is known for sure. */
function knownIn(folder: string, name: string): KnownPeers {
  const trust = { version: 1, fingerprint: PEER, name: 'Anna', pairedAtMs: NOW };
  writeFileSync(join(folder, name, PEER, 'peer.json'), JSON.stringify(trust));
  return new KnownPeers(join(folder, name));
}

const seeds = new Map<string, readonly JsonSeed[]>(
  Object.entries(FILES).map(([kind, { make }]) => [
    kind,
    Array.from({ length: SEEDS_OF_EACH }, (_, at) => jsonSeed(make(new Dice(0, at)))),
  ]),
);

/**
 * What is read back from the disk, from real files in `folder`. A file of ours that is damaged is passed over, or
 * called `state-unusable`; no other error gets out, and what is taken means the same when it is written again.
 */
export function checkpointTarget(folder: string): FuzzTarget {
  const kinds = Object.keys(FILES);
  for (const { place } of Object.values(FILES)) mkdirSync(dirname(join(folder, place)), { recursive: true });
  return {
    kinds,
    generate(dice) {
      const kind = dice.pick(kinds);
      const seed = dice.pick(seeds.get(kind) ?? []);
      const other = dice.pick(seeds.get(dice.pick(kinds)) ?? []);
      const bytes = mutateJson(seed, dice, other);
      if (kind !== 'published') return { kind, bytes };
      // Lines, some of which are sound.
      const lines = Buffer.concat([seed.bytes, Buffer.from('\n'), bytes, Buffer.from('\n'), other.bytes]);
      return { kind, bytes: dice.isLess(0.3) ? mutateBytes(lines, dice, other.bytes) : lines };
    },
    check({ kind, bytes }) {
      const file = FILES[kind] ?? assert.fail(`no file ${kind}`);
      const location = join(folder, file.place);
      writeFileSync(location, bytes);
      try {
        const read = file.read(folder);
        if (read instanceof Promise) return read.then((value) => (value === undefined ? 'refused' : 'taken'));
        if (read === undefined) return 'refused';
        return checkRead(file, folder, read);
      } catch (error) {
        if (CourierError.is(error, 'state-unusable')) return 'refused';
        throw error;
      } finally {
        // A damaged history is put aside.
        if (lstatSync(location, { throwIfNoEntry: false }) === undefined) {
          rmSync(`${location}.damaged`, { force: true });
        }
      }
    },
  };
}

function checkRead(file: KeptFile, folder: string, read: unknown): Verdict {
  if (file.place.endsWith('json') && file.place.includes(ID)) {
    writeFileSync(join(folder, file.place), JSON.stringify(read));
    checkSameAgain(read, file.read(folder));
  }
  return 'taken';
}

function readRecord<Item extends { readonly id: string }>(files: RecordFiles<Item>): Item | undefined {
  const found = files.find(ID);
  const [listed] = files.list();
  // A list leaves out what lies under another's name.
  if (listed !== undefined) checkSameAgain(listed, found);
  return listed;
}
