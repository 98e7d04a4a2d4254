import type { Facts, Step } from './facts.ts';
import { judgeMulticast, judgeNetwork } from './judgeNetwork.ts';
import { judgePeer } from './judgePeer.ts';
import { judgePort } from './judgePort.ts';
import { judgeSurroundings } from './judgeSurroundings.ts';
import type { DoctorReport, Finding, FindingId } from './report.ts';

/**
 * What stands in the way, by what stands in whose way: who has no network need not look at a firewall. What was asked
 * about a peer comes before what concerns this device's own port.
 */
const LIKELIEST_FIRST: readonly FindingId[] = [
  'wrong-identity',
  'ourselves',
  'another-device',
  'no-network',
  'local-network-denied',
  'name-unknown',
  'peer-without-address',
  'version-mismatch',
  'not-known-there',
  'other-network',
  'link-local-only',
  'refused',
  'not-peer-courier',
  'hung-up',
  'silent',
  'timed-out',
  'unreachable',
  'no-greeting',
  'host-not-here',
  'port-forbidden',
  'port-taken',
  'loopback-only',
  'wsl-nat',
  'firewall',
  'own-address-silent',
];

/** Says what the facts so far mean. The likely cause is named when there are no more to come. */
export function judge(facts: Facts, pending: readonly Step[]): DoctorReport {
  const { platform, release, architecture, version, runtime } = facts.system;
  const findings = [
    // What was asked about, before what stands around it.
    ...judgePeer(facts),
    ...judgeNetwork(facts),
    ...judgeSurroundings(facts),
    ...judgePort(facts),
    ...judgeMulticast(facts),
  ];
  return {
    system: { platform, release, architecture, version, runtime },
    pending,
    findings,
    cause: pending.length > 0 ? undefined : likeliest(findings),
  };
}

function likeliest(findings: readonly Finding[]): Finding | undefined {
  const problems = findings.filter(({ state }) => state === 'problem');
  return problems.toSorted((left, right) => rankOf(left) - rankOf(right))[0];
}

function rankOf({ id }: Finding): number {
  const place = LIKELIEST_FIRST.indexOf(id);
  return place < 0 ? LIKELIEST_FIRST.length : place;
}
