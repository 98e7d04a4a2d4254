/** The known peers of a state folder: what is remembered, decided and forgotten, by one process or by several. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { KnownPeers } from '../../src/node/state/knownPeers.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import type { PeerPolicy } from '../../src/peers/policy.ts';
import { runTogether } from '../support/children.ts';
import { fingerprintNo } from '../support/fingerprints.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { scratchFolder } from '../support/scratch.ts';

const isUnusable = (error: unknown): boolean => CourierError.is(error, 'state-unusable');
const isStranger = (error: unknown): boolean => CourierError.is(error, 'not-paired');

const ANNA = fingerprintNo(1);
const BORIS = fingerprintNo(2);
const anna = {
  fingerprint: ANNA,
  name: 'Anna',
  addresses: [{ host: '192.168.1.2', port: 47_470 }],
};
const boris = { fingerprint: BORIS, name: 'Zoë’s 💻', addresses: [{ host: 'fe80::1%eth0', port: 1 }] };
const ACCEPT: PeerPolicy = { kind: 'accept', upToBytes: 1_000_000, folder: '/home/somebody/from Anna' };

/** Peers by a clock of their own: each is paired a millisecond after the one before. */
function peersIn(t: TestContext): { folder: string; peers: KnownPeers } {
  const folder = join(scratchFolder(t), 'peers');
  let wallMs = 1_700_000_000_000;
  return { folder, peers: new KnownPeers(folder, systemFiles, { wallMs: () => (wallMs += 1) }) };
}

const namesIn = (peers: KnownPeers): readonly string[] => peers.list().map(({ name }) => name);

test('nobody is known before somebody is remembered', (t) => {
  const { peers } = peersIn(t);
  assert.deepEqual(peers.list(), []);
  assert.equal(peers.find(ANNA), undefined);
  for (const change of [
    () => peers.rename(ANNA, 'Anna'),
    () => peers.setPolicy(ANNA, { kind: 'ask' }),
    () => peers.forget(ANNA),
  ]) {
    assert.throws(change, isStranger);
  }
  peers.reached(ANNA, anna.addresses);
  assert.deepEqual(peers.list(), [], 'to be reached makes nobody known');
});

test('peers are remembered, by another reader too, for their owner alone', (t) => {
  const { folder, peers } = peersIn(t);
  peers.remember(boris);
  peers.remember(anna);
  const expected = [
    { ...boris, policy: { kind: 'default' } },
    { ...anna, policy: { kind: 'default' } },
  ];
  assert.deepEqual(new KnownPeers(folder).list(), expected, 'in the order in which they were paired');
  assert.deepEqual(peers.find(ANNA), expected[1]);
  assert.equal(peers.find(fingerprintNo(3)), undefined);
  const modes = [
    folder,
    join(folder, ANNA),
    join(folder, ANNA, 'peer.json'),
    join(folder, ANNA, 'reached.json'),
  ];
  assert.deepEqual(
    modes.map((location) => (statSync(location).mode % 0o1000).toString(8)),
    ['700', '700', '600', '600'],
  );
});

test('a name stays as it was paired; two devices never share one', (t) => {
  const { peers } = peersIn(t);
  for (const [number, name] of [
    [1, 'Mac'],
    [2, 'Mac'],
    [3, 'Mac (2)'],
    [4, ''],
    [5, ''],
    [2, 'Renamed'],
    [1, ''],
  ] as const) {
    peers.remember({ fingerprint: fingerprintNo(number), name, addresses: [] });
  }
  assert.deepEqual(namesIn(peers), ['Mac', 'Mac (2)', 'Mac (2) (2)', 'peer', 'peer (2)']);
});

test('a peer that is where it was costs no write', (t) => {
  const { folder, peers } = peersIn(t);
  peers.remember(anna);
  const inodes = (): readonly number[] =>
    readdirSync(join(folder, ANNA)).map((name) => statSync(join(folder, ANNA, name)).ino);
  const before = inodes();
  peers.remember(anna);
  assert.deepEqual(inodes(), before);
  peers.remember({ ...anna, addresses: [{ host: '192.0.2.77', port: 1 }] });
  assert.notDeepEqual(inodes(), before);
});

test('addresses: the latest first, each once, not too many', (t) => {
  const { peers } = peersIn(t);
  const reach = (...ports: readonly number[]): number[] => {
    const addresses = ports.map((port) => ({ host: 'h', port }));
    peers.remember({ fingerprint: ANNA, name: 'Anna', addresses });
    return (peers.find(ANNA)?.addresses ?? []).map(({ port }) => port);
  };
  assert.deepEqual(reach(1), [1]);
  assert.deepEqual(reach(2), [2, 1]);
  assert.deepEqual(reach(1), [1, 2]);
  assert.deepEqual(reach(3, 2, 3), [3, 2, 1]);
  assert.deepEqual(reach(), [3, 2, 1]);
  assert.deepEqual(reach(4, 5, 6, 7, 8, 9, 10), [4, 5, 6, 7, 8, 9, 10, 3]);
});

suite('what a user decides', () => {
  test('a new name stays, whatever the peer calls itself later; a name that is taken is refused', (t) => {
    const { peers } = peersIn(t);
    peers.remember(anna);
    peers.remember(boris);
    peers.rename(ANNA, 'Anna from work');
    peers.remember({ ...anna, name: 'Anna’s new laptop' });
    assert.deepEqual(namesIn(peers), ['Anna from work', boris.name]);
    assert.throws(
      () => peers.rename(BORIS, 'Anna from work'),
      (error) => CourierError.is(error, 'peer-name-taken'),
    );
    peers.rename(BORIS, 'Anna');
    assert.deepEqual(namesIn(peers), ['Anna from work', 'Anna'], 'the one that is free again');
    for (const name of ['', 'x'.repeat(257)]) assert.throws(() => peers.rename(ANNA, name));
    assert.deepEqual(namesIn(peers), ['Anna from work', 'Anna'], 'what could not be read is not written');
  });

  test('a policy stays until there is another one; a block leaves no trace', (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(anna);
    const before = pictureOf(folder);
    for (const policy of [ACCEPT, { kind: 'ask' }, { kind: 'block' }, ACCEPT, { kind: 'default' }] as const) {
      peers.setPolicy(ANNA, policy);
      assert.deepEqual(new KnownPeers(folder).find(ANNA)?.policy, policy);
    }
    peers.setPolicy(ANNA, ACCEPT);
    peers.setPolicy(ANNA, { kind: 'block' });
    peers.setPolicy(ANNA, { kind: 'block' });
    peers.setPolicy(ANNA, { kind: 'default' });
    assert.deepEqual(peers.find(ANNA)?.policy, { kind: 'default' }, 'what held before a block holds no more');
    assert.deepEqual(pictureOf(folder), before);
    assert.throws(() => peers.setPolicy(ANNA, { kind: 'accept', upToBytes: 0, folder: '/x' }));
    assert.throws(() => peers.setPolicy(ANNA, { kind: 'accept', upToBytes: 1, folder: 'x' }));
    assert.deepEqual(pictureOf(folder), before);
  });

  test('who is forgotten is a stranger of whom nothing is left, and comes back as a new one', (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(anna);
    peers.remember(boris);
    peers.rename(ANNA, 'Anna from work');
    peers.setPolicy(ANNA, ACCEPT);
    peers.setPolicy(ANNA, { kind: 'block' });
    writeFileSync(join(folder, ANNA, 'name.json.0123456789ab.tmp'), 'half');
    peers.forget(ANNA);
    assert.equal(peers.find(ANNA), undefined);
    assert.deepEqual(namesIn(peers), [boris.name]);
    assert.deepEqual(readdirSync(folder), [BORIS]);
    peers.remember({ ...anna, addresses: [] });
    assert.deepEqual(peers.find(ANNA), { ...anna, addresses: [], policy: { kind: 'default' } });
  });

  test('what a process left that was killed while it forgot does not hold for who pairs again', (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(anna);
    peers.rename(ANNA, 'Anna from work');
    peers.setPolicy(ANNA, ACCEPT);
    peers.setPolicy(ANNA, { kind: 'block' });
    rmSync(join(folder, ANNA, 'peer.json'));
    assert.deepEqual(peers.list(), []);
    peers.remember(anna);
    assert.deepEqual(peers.find(ANNA), { ...anna, policy: { kind: 'default' } });
  });

  test('two of one name, as two processes may leave them: each has one of its own, and keeps it', (t) => {
    const { folder, peers } = peersIn(t);
    for (const number of [1, 2, 3]) {
      peers.remember({ fingerprint: fingerprintNo(number), name: `Mac ${number}`, addresses: [] });
    }
    for (const number of [1, 2, 3]) {
      const file = join(folder, fingerprintNo(number), 'peer.json');
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(`Mac ${number}`, number === 3 ? 'Mac (2)' : 'Mac'),
      );
    }
    assert.deepEqual(namesIn(peers), ['Mac', 'Mac (3)', 'Mac (2)']);
    assert.throws(() => peers.rename(fingerprintNo(3), 'Mac (3)'));
    peers.forget(fingerprintNo(1));
    assert.deepEqual(namesIn(peers), ['Mac (3)', 'Mac (2)'], 'nobody has become another one');
  });
});

// Damage

const TRUST = { version: 1, fingerprint: ANNA, name: 'Anna', pairedAtMs: 1 };
const NAME = { version: 1, fingerprint: ANNA, name: 'Anna from work' };
const SHOWN = { version: 1, fingerprint: ANNA, of: anna.name, name: `${anna.name} (2)` };
const POLICY = { version: 1, fingerprint: ANNA, policy: ACCEPT };
const text = JSON.stringify;

/** What makes a file that says who is known, or as whom, a damaged one. */
const damagedTexts: Readonly<Record<string, (sound: object) => string>> = {
  empty: () => '',
  'half written': (sound) => text(sound).slice(0, 60),
  'zeros, as after a crash': () => '\0'.repeat(200),
  'a newer version': (sound) => text({ ...sound, version: 2 }),
  'no version': (sound) => text({ ...sound, version: undefined }),
  'not an object': () => '[]',
  null: () => 'null',
  'about another peer': (sound) => text({ ...sound, fingerprint: BORIS }),
  'a key in capitals': (sound) => text({ ...sound, fingerprint: 'AB'.repeat(32) }),
  'something unknown': (sound) => text({ ...sound, trustEverybody: true }),
  'a name that is none': (sound) => text({ ...sound, name: 5 }),
  'an empty name': (sound) => text({ ...sound, name: '' }),
  'text after it': (sound) => `${text(sound)}}`,
  'brackets to the limit': () => '['.repeat(100_000),
};

function damage(t: TestContext, name: string, content: string) {
  const { folder, peers } = peersIn(t);
  peers.remember(anna);
  peers.remember(boris);
  const file = join(folder, ANNA, name);
  writeFileSync(file, content);
  return { folder, peers, file };
}

suite('a damaged file', () => {
  for (const [name, sound] of [
    ['peer.json', TRUST],
    ['name.json', NAME],
    ['shown.json', SHOWN],
  ] as const) {
    for (const [what, contentOf] of Object.entries(damagedTexts)) {
      test(`${name}: ${what}: an error that names it, neither nobody nor somebody, and it is not replaced`, (t) => {
        const { peers, file } = damage(t, name, contentOf(sound));
        const isNamed = (error: unknown): boolean => isUnusable(error) && String(error).includes(file);
        assert.throws(() => peers.list(), isNamed);
        assert.throws(() => peers.find(ANNA), isNamed);
        assert.throws(() => peers.remember(anna), isNamed);
        assert.throws(() => peers.remember({ ...anna, fingerprint: fingerprintNo(9) }), isNamed);
        assert.throws(() => peers.forget(ANNA), isNamed);
        assert.equal(readFileSync(file, 'utf8'), contentOf(sound));
        assert.equal(peers.find(BORIS)?.name, boris.name, 'another peer is who it was');
        rmSync(file);
        assert.equal(peers.list().length, name === 'peer.json' ? 1 : 2, 'it can be removed');
      });
    }
  }

  test('shown.json: sound, it counts for the name that it is about, and for no other', (t) => {
    const { peers } = damage(t, 'shown.json', text(SHOWN));
    assert.equal(peers.find(ANNA)?.name, SHOWN.name);
    peers.rename(ANNA, 'Anna from work');
    assert.equal(peers.find(ANNA)?.name, 'Anna from work');
  });

  const policies: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      Object.entries(damagedTexts)
        .filter(([what]) => !what.includes('name'))
        .map(([what, contentOf]) => [what, contentOf(POLICY)]),
    ),
    'no limit': text({ ...POLICY, policy: { ...ACCEPT, upToBytes: 0 } }),
    'a limit beyond all numbers': text(POLICY).replace('1000000', '1e999'),
    'a folder that is none': text({ ...POLICY, policy: { ...ACCEPT, folder: 'downloads' } }),
    'no folder': text({ ...POLICY, policy: { kind: 'accept', upToBytes: 5 } }),
    'a kind that nobody has': text({ ...POLICY, policy: { kind: 'accept-all' } }),
    'a block, which lies elsewhere': text({ ...POLICY, policy: { kind: 'block' } }),
  };
  for (const [what, content] of Object.entries(policies)) {
    test(`policy.json: ${what}: it asks and says so, and can be set again; a block stays one`, (t) => {
      const { peers } = damage(t, 'policy.json', content);
      assert.deepEqual(peers.find(ANNA)?.policy, { kind: 'unreadable' });
      assert.equal(peers.list().length, 2);
      peers.setPolicy(ANNA, { kind: 'block' });
      assert.deepEqual(peers.find(ANNA)?.policy, { kind: 'block' });
      peers.setPolicy(ANNA, { kind: 'ask' });
      assert.deepEqual(peers.find(ANNA)?.policy, { kind: 'ask' });
    });
  }

  test('reached.json: it says nothing, and is written anew', (t) => {
    for (const content of ['', '\0'.repeat(50), '{}', '{"addresses":5}', text({ addresses: ['x y', ''] })]) {
      const { peers } = damage(t, 'reached.json', content);
      assert.deepEqual(peers.find(ANNA)?.addresses, [], content);
      peers.reached(ANNA, anna.addresses);
      assert.deepEqual(peers.find(ANNA)?.addresses, anna.addresses, content);
    }
  });

  /** Stands in the place of a file. */
  const things: Readonly<Record<string, (file: string) => void>> = {
    'a folder': (file) => mkdirSync(file),
    'a link to a sound one': (file) => {
      writeFileSync(`${file}.elsewhere`, text(TRUST));
      symlinkSync(`${file}.elsewhere`, file);
    },
    'a pipe': (file) => void execFileSync('mkfifo', [file]),
    gigabytes: (file) => {
      writeFileSync(file, '');
      truncateSync(file, 10 * 1024 ** 3);
    },
  };
  for (const [what, make] of Object.entries(things)) {
    test(`${what} in its place`, { timeout: 20_000 }, (t) => {
      for (const name of ['peer.json', 'name.json', 'shown.json', 'policy.json', 'reached.json', 'blocked']) {
        const { folder, peers } = peersIn(t);
        peers.remember(anna);
        rmSync(join(folder, ANNA, name), { force: true });
        make(join(folder, ANNA, name));
        if (['peer.json', 'name.json', 'shown.json'].includes(name)) {
          assert.throws(() => peers.find(ANNA), isUnusable, name);
          assert.throws(() => peers.list(), isUnusable, name);
          assert.throws(() => peers.remember(anna), isUnusable, name);
          continue;
        }
        const { policy, addresses } = peers.find(ANNA) ?? assert.fail(name);
        if (name === 'policy.json') assert.deepEqual(policy, { kind: 'unreadable' });
        if (name === 'reached.json') assert.deepEqual(addresses, []);
        if (name === 'blocked') assert.deepEqual(policy, { kind: 'block' });
      }
    });
  }

  test('a file, or another peer’s folder, in the place of a peer’s folder: nobody is taken for another', (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(anna);
    writeFileSync(join(folder, BORIS), 'x');
    assert.throws(() => peers.list(), isUnusable);
    assert.throws(() => peers.find(BORIS), isUnusable);
    rmSync(join(folder, BORIS));
    symlinkSync(join(folder, ANNA), join(folder, BORIS));
    assert.throws(() => peers.find(BORIS), isUnusable);
    rmSync(join(folder, BORIS));
    renameSync(join(folder, ANNA), join(folder, BORIS));
    assert.throws(() => peers.list(), isUnusable);
    assert.equal(peers.find(ANNA), undefined);
  });

  test('what is no peer’s lies there for nobody', (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(anna);
    mkdirSync(join(folder, BORIS));
    mkdirSync(join(folder, BORIS.toUpperCase()), { recursive: true });
    writeFileSync(join(folder, '.DS_Store'), 'x');
    assert.deepEqual(namesIn(peers), ['Anna']);
    assert.equal(peers.find(BORIS), undefined);
  });

  test('a file in the place of all peers is an error', (t) => {
    const { folder, peers } = peersIn(t);
    writeFileSync(folder, '');
    assert.throws(() => peers.list(), isUnusable);
    assert.throws(() => peers.find(ANNA), isUnusable);
    assert.throws(() => peers.remember(anna), isUnusable);
  });
});

// Several processes

suite('several processes', () => {
  test('each remembers and renames many at once: none is lost, and every name is one peer’s', async (t) => {
    const { folder, peers } = peersIn(t);
    const each = 100;
    await runTogether('rememberPeers', [
      [folder, '0', String(each)],
      [folder, String(each), String(each)],
    ]);
    const all = peers.list();
    assert.equal(all.length, 2 * each);
    assert.deepEqual(
      all.map(({ fingerprint }) => fingerprint).toSorted(),
      Array.from({ length: 2 * each }, (_, number) => fingerprintNo(number)).toSorted(),
    );
    assert.equal(new Set(namesIn(peers)).size, 2 * each);
    for (let number = 0; number < 2 * each; number += 1) {
      const { name, addresses } = peers.find(fingerprintNo(number)) ?? assert.fail(`${number} was lost`);
      // Every second one was renamed by the process that had paired it.
      if (number % 2 === 0) assert.match(name, new RegExp(`^renamed ${number}$`, 'u'));
      else assert.match(name, /^Mac(?: \(\d+\))*$/u);
      assert.deepEqual(addresses, [{ host: 'h', port: number + 1 }]);
    }
    assert.ok(existsSync(folder));
  });

  test('one forgets whom the other remembers, again and again: it is there or not, and always whole', async (t) => {
    const { folder, peers } = peersIn(t);
    peers.remember(boris);
    await runTogether('rememberAndForget', [
      [folder, ANNA, '100'],
      [folder, ANNA, '100'],
    ]);
    assert.ok([1, 2].includes(peers.list().length));
    assert.deepEqual(peers.find(BORIS)?.name, boris.name);
    peers.remember(anna);
    peers.forget(ANNA);
    assert.deepEqual(readdirSync(folder), [BORIS]);
  });
});
