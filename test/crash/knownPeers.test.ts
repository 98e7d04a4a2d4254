/**
 * A crash at any point of what is done with known peers: each of them is there as before or as it was to be, nobody
 * is trusted who was not, and what had returned before the crash holds.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KnownPeers } from '../../src/node/state/knownPeers.ts';
import type { WholeFileSystem } from '../../src/node/disk/fileSystem.ts';
import { fingerprintNo } from '../support/fingerprints.ts';
import { SimDisk } from '../support/simDisk.ts';
import { CrashCounts, everyCrash } from './support/everyCrash.ts';

const ANNA = fingerprintNo(1);
const BORIS = fingerprintNo(2);
const FOLDER = '/home/somebody/state/peers';
const there = [{ host: '10.0.0.1', port: 5 }];

function peersOn(disk: WholeFileSystem): KnownPeers {
  return new KnownPeers(FOLDER, disk, { wallMs: () => 1_700_000_000_000 });
}

/** Who is known, in words: `Anna accept 1`. */
function found(disk: SimDisk): string {
  return peersOn(disk.mount())
    .list()
    .map(({ name, policy, addresses }) => `${name} ${policy.kind} ${addresses.length}`)
    .join(', ');
}

interface Case {
  readonly before?: (peers: KnownPeers) => void;
  readonly act: (peers: KnownPeers) => void;
  /** All that may be found; in the end the last of these. */
  readonly allowed: readonly string[];
}

const withAnna = (peers: KnownPeers): void =>
  peers.remember({ fingerprint: ANNA, name: 'Anna', addresses: there });
const withBoth = (peers: KnownPeers): void => {
  withAnna(peers);
  peers.remember({ fingerprint: BORIS, name: 'Boris', addresses: [] });
};
const accept = { kind: 'accept', upToBytes: 5, folder: '/home/somebody/in' } as const;

const CASES: Readonly<Record<string, Case>> = {
  'the first peer, and the folders with it': {
    act: withAnna,
    allowed: ['', 'Anna default 0', 'Anna default 1'],
  },
  'another peer, of the same name': {
    before: withAnna,
    act: (peers) => peers.remember({ fingerprint: BORIS, name: 'Anna', addresses: [] }),
    allowed: ['Anna default 1', 'Anna default 1, Anna (2) default 0'],
  },
  'one is reached elsewhere': {
    before: withBoth,
    act: (peers) => peers.reached(BORIS, there),
    allowed: ['Anna default 1, Boris default 0', 'Anna default 1, Boris default 1'],
  },
  'one is renamed': {
    before: withBoth,
    act: (peers) => peers.rename(ANNA, 'Anna from work'),
    allowed: ['Anna default 1, Boris default 0', 'Anna from work default 1, Boris default 0'],
  },
  'one gets a policy': {
    before: withBoth,
    act: (peers) => peers.setPolicy(ANNA, accept),
    allowed: ['Anna default 1, Boris default 0', 'Anna accept 1, Boris default 0'],
  },
  'one that is accepted is blocked': {
    before: (peers) => {
      withBoth(peers);
      peers.setPolicy(ANNA, accept);
    },
    act: (peers) => peers.setPolicy(ANNA, { kind: 'block' }),
    allowed: ['Anna accept 1, Boris default 0', 'Anna block 1, Boris default 0'],
  },
  'one that was accepted, and is blocked, is to ask: in between it is blocked': {
    before: (peers) => {
      withBoth(peers);
      peers.setPolicy(ANNA, accept);
      peers.setPolicy(ANNA, { kind: 'block' });
    },
    act: (peers) => peers.setPolicy(ANNA, { kind: 'ask' }),
    allowed: ['Anna block 1, Boris default 0', 'Anna ask 1, Boris default 0'],
  },
  'one is forgotten': {
    before: (peers) => {
      withBoth(peers);
      peers.rename(ANNA, 'Anna from work');
      peers.setPolicy(ANNA, accept);
    },
    act: (peers) => peers.forget(ANNA),
    allowed: ['Anna from work accept 1, Boris default 0', 'Boris default 0'],
  },
  'one is forgotten and paired again: what held before does not': {
    before: (peers) => {
      withAnna(peers);
      peers.rename(ANNA, 'Anna from work');
      peers.setPolicy(ANNA, accept);
    },
    act(peers) {
      peers.forget(ANNA);
      withAnna(peers);
    },
    allowed: ['Anna from work accept 1', '', 'Anna default 0', 'Anna default 1'],
  },
};

suite('a crash at any point of what is done with known peers', () => {
  for (const [name, { before, act, allowed }] of Object.entries(CASES)) {
    test(name, (t) => {
      const fresh = new SimDisk();
      fresh.plant('/home/somebody', 'folder');
      before?.(peersOn(fresh.mount()));
      const disk = fresh.settled();
      act(peersOn(disk.mount()));
      const done = disk.operations.length;
      const counts = new CrashCounts();
      for (const { prefix, what, image } of everyCrash(disk, counts)) {
        assert.ok(allowed.includes(found(image)), `after ${prefix} operations: ${found(image)}: ${what}`);
        // It goes on from there.
        const peers = peersOn(image.mount());
        withAnna(peers);
        peers.setPolicy(ANNA, { kind: 'block' });
        assert.match(found(image), /block/u);
        peers.forget(ANNA);
        assert.doesNotMatch(found(image), /Anna(?! \()|block/u);
      }
      const promised = disk.imageAfter(done, { keeps: () => false });
      assert.equal(found(promised), allowed.at(-1), 'durable when the call returns');
      t.diagnostic(String(counts));
    });
  }

  test('a call fails, any of them: nobody is trusted who was not, and it can be done again', () => {
    for (const { before, act, allowed } of Object.values(CASES)) {
      for (const fault of ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'EBUSY', 'EROFS'] as const) {
        for (let failing = 0, isDone = false; !isDone; failing += 1) {
          const disk = new SimDisk();
          disk.plant('/home/somebody', 'folder');
          before?.(peersOn(disk.mount()));
          const mount = disk.mount({ before: (_, index) => (index === failing ? fault : undefined) });
          try {
            act(peersOn(mount));
          } catch (error) {
            assert.match(String(error), /cannot be (?:written|read)/u);
          }
          isDone = mount.calls <= failing;
          assert.ok(allowed.includes(found(disk)), `call ${failing} failed: ${fault}: ${found(disk)}`);
        }
      }
    }
  });
});
