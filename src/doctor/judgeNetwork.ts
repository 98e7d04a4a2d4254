import type { Facts } from './facts.ts';
import { found } from './finding.ts';
import { multicastLines } from './lines.ts';
import { kindOf } from './networks.ts';
import type { Finding, ReportedNetwork } from './report.ts';

/** This machine's networks, and whether one hears what is said to all in them. */

export function judgeNetwork({ interfaces }: Facts): readonly Finding[] {
  if (interfaces === undefined) return [];
  const networks = interfaces
    .filter(({ addresses }) => addresses.length > 0)
    .map((each): ReportedNetwork => ({
      kind: kindOf(each),
      name: each.name,
      addresses: each.addresses.map(({ address }) => address),
    }));
  const outer = networks.filter(({ kind }) => kind !== 'loopback' && kind !== 'virtual');
  if (outer.length === 0) return [found('problem', { id: 'no-network' })];
  const tunnels = outer.filter(({ kind }) => kind === 'tunnel').map(({ name }) => name);
  return [
    found('ok', { id: 'networks', networks: networks.filter(({ kind }) => kind !== 'loopback') }),
    ...(outer.every(({ kind }) => kind === 'link-local')
      ? [found('problem', { id: 'link-local-only' })]
      : []),
    ...(tunnels.length > 0 ? [found('note', { id: 'tunnel', names: tunnels })] : []),
  ];
}

/** Nothing of a transfer hangs on multicast: whoever knows an address, or has an invite, does without. So a note. */
export function judgeMulticast({ multicast, surroundings }: Facts): readonly Finding[] {
  if (multicast === undefined) return [];
  const { code, links, others } = multicast;
  if (code !== undefined) return [found('unknown', { id: 'multicast-unknown', code })];
  if (others > 0) return [found('ok', { id: 'multicast-heard', count: others })];
  const lines = surroundings?.firewalls.flatMap(({ tool }) => multicastLines(tool)) ?? [];
  const isHeard = links.some((link) => link.isHeard);
  return [found('note', { id: isHeard ? 'multicast-alone' : 'multicast-deaf' }, lines)];
}
