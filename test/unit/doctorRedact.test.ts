/** Nothing that says whose machine it is, is in a report for strangers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Facts, PathEnd } from '../../src/doctor/facts.ts';
import { judge } from '../../src/doctor/judge.ts';
import { redact } from '../../src/doctor/redact.ts';
import type { DoctorReport, Finding } from '../../src/doctor/report.ts';
import { placeOf, sentenceOf } from '../../src/cli/doctorWords.ts';
import {
  answeringAs,
  BORIS,
  healthy,
  known,
  network,
  pathTo,
  RECEIVER_OFF,
  RECEIVER_ON,
} from '../support/doctorFacts.ts';
import { testProperty } from '../support/random.ts';

const ENDS: readonly PathEnd[] = [
  'refused',
  'timed-out',
  'unreachable',
  'silent',
  'hung-up',
  'not-peer-courier',
  'ourselves',
  'wrong-identity',
  'another-device',
  'no-greeting',
  'version-mismatch',
  'busy',
  'not-known-there',
  'greeted',
];

interface Secrets {
  readonly user: string;
  readonly host: string;
  readonly peer: string;
  readonly address: string;
  readonly ipv6: string;
  readonly fingerprint: string;
  readonly other: string;
}

/** Letters that stand in no word of ours. */
const word = fc.string({ unit: fc.constantFrom(...'qxzQXZ'), minLength: 6, maxLength: 12 });
const byte = fc.integer({ min: 100, max: 223 });
const group = fc.integer({ min: 0x1000, max: 0xffff }).map((value) => value.toString(16));
const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const secrets: fc.Arbitrary<Secrets> = fc.record({
  user: word,
  host: word,
  peer: word,
  address: fc.tuple(fc.constantFrom('10', '203', '100'), byte, byte, byte).map((parts) => parts.join('.')),
  ipv6: fc
    .tuple(fc.constantFrom('2001', 'fd12', 'fe80'), group, group)
    .map(([net, a, b]) => `${net}:${a}::${b}`),
  fingerprint: hex,
  other: hex,
});

/** Every finding that there is, with a secret wherever one may stand. */
function everyReport(given: Secrets): readonly DoctorReport[] {
  const { user, host, peer, address, ipv6, fingerprint, other } = given;
  const home = `/home/${user}`;
  const base: Facts = {
    ...healthy(),
    system: { ...healthy().system, release: `6.8.0-${host.toUpperCase()}`, program: `${home}/node` },
    interfaces: [network(`wg-${peer}`, address), network(host, ipv6, 64), network(peer, '10.1.2.3')],
  };
  const meant = { name: peer, expected: [{ name: peer, fingerprint }], lookups: [] };
  const answering = { answering: { fingerprint: other, knownAs: peer } };
  const report = (more: Partial<Facts>): DoctorReport => judge({ ...base, ...more }, []);
  return [
    report({ port: { ...RECEIVER_ON, host, addresses: [`${address}:1`, `[${ipv6}]:1`] } }),
    report({
      port: {
        ...RECEIVER_ON,
        ownPaths: [pathTo(`${address}:1`, 'ourselves'), pathTo(`[${ipv6}]:1`, 'refused')],
      },
    }),
    report({ port: { ...RECEIVER_OFF, host: ipv6, opening: { outcome: 'no-such-address', code: '' } } }),
    report({ port: { ...RECEIVER_ON, host: '127.0.0.1' } }),
    ...(['linux', 'darwin', 'win32'] as const).flatMap((platform) =>
      (['ufw', 'firewalld', 'nftables', 'windows', 'macos'] as const).map((tool) =>
        report({
          system: { ...base.system, platform },
          surroundings: {
            wsl: { version: 2, networking: 'nat' },
            container: 'docker',
            remote: 'ssh',
            firewalls: [{ tool, passes: 'unknown' }],
          },
        }),
      ),
    ),
    ...ENDS.flatMap((end) =>
      [`${address}:47470`, `[${ipv6}]:47470`].map((where) =>
        report({ peer: { ...meant, paths: [pathTo(where, end, answering)] } }),
      ),
    ),
    report({
      peer: {
        ...meant,
        expected: [],
        paths: [pathTo(`${address}:1`, 'greeted', { answering: { fingerprint: other, knownAs: undefined } })],
      },
    }),
    report({ peer: { ...meant, paths: [] } }),
    report({
      peer: { ...meant, paths: [], lookups: [{ host: `${host}.local`, addresses: [], code: 'ENOTFOUND' }] },
    }),
    report({ peer: { ...meant, paths: [], lookups: [{ host, addresses: [address, ipv6], code: '' }] } }),
  ];
}

function spoken({ findings }: DoctorReport): string {
  const said = (finding: Finding): readonly string[] => [
    sentenceOf(finding),
    ...finding.lines.flatMap(({ where, text }) => [placeOf(where), text]),
  ];
  return findings.flatMap(said).join('\n');
}

function assertHidden(given: Secrets): void {
  const { user, host, peer, address, ipv6, fingerprint, other } = given;
  for (const report of everyReport(given)) {
    const redacted = redact(report, [`/home/${user}`, user, host, peer, fingerprint]);
    for (const text of [JSON.stringify(redacted), spoken(redacted)].map((each) => each.toLowerCase())) {
      for (const secret of [user, host, peer, address, ipv6, fingerprint, other, other.slice(0, 16)]) {
        assert.ok(!text.includes(secret.toLowerCase()), `${secret} in ${text}`);
      }
    }
    // What was found is the same.
    assert.deepEqual(
      redacted.findings.map(({ id, state }) => [id, state]),
      report.findings.map(({ id, state }) => [id, state]),
    );
    assert.equal(redacted.cause?.id, report.cause?.id);
  }
}

testProperty(
  'no user, host, folder, peer, address or fingerprint is in a redacted report',
  secrets,
  assertHidden,
  100,
);

test('the search for secrets finds them: they are in the whole report', () => {
  const given: Secrets = {
    user: 'zxqzxq',
    host: 'qqqxxx',
    peer: 'xzxzxz',
    address: '10.211.122.133',
    ipv6: 'fd12:aaaa::bbbb',
    fingerprint: 'c3'.repeat(32),
    other: 'd4'.repeat(32),
  };
  const text = everyReport(given)
    .map((report) => JSON.stringify(report))
    .join('\n')
    .toLowerCase();
  for (const secret of Object.values<string>({ ...given })) assert.ok(text.includes(secret), secret);
});

test('a network can still be told from another', () => {
  const report = judge(
    healthy({
      interfaces: [
        network('eth0', '192.168.178.20'),
        network('eth1', '203.0.113.9'),
        network('eth2', 'fe80::1%eth2', 64),
        network('eth3', '169.254.1.2', 16),
        network('eth4', '2001:db8::5', 64),
        network('wg0', 'fd12::1', 64),
      ],
    }),
    [],
  );
  const [networks] = redact(report, []).findings;
  assert.ok(networks?.id === 'networks');
  assert.deepEqual(
    networks.networks.map(({ kind, name, addresses }) => [kind, name, addresses.join(' ')]),
    [
      ['lan', '', '192.168.x.x'],
      ['lan', '', 'x.x.x.x'],
      ['link-local', '', 'fe80::x'],
      ['link-local', '', '169.254.x.x'],
      ['lan', '', 'x::x'],
      ['tunnel', '', 'fd00::x'],
    ],
  );
});

test('the beginning of a fingerprint stays, so that two reports can be compared', () => {
  const path = pathTo('192.168.1.30:47470', 'greeted', answeringAs(BORIS));
  const identity = redact(judge(healthy({ peer: known(path) }), []), []).findings.find(
    ({ id }) => id === 'right-identity',
  );
  assert.ok(identity?.id === 'right-identity');
  assert.deepEqual([identity.name, identity.fingerprint], ['PEER', 'b2b2b2b2']);
});
