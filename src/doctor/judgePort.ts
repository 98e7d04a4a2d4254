import type { Facts, PortFacts } from './facts.ts';
import { found, stateOfShutDoor } from './finding.ts';
import { forbiddenLines, holderLines } from './lines.ts';
import { scopeOf, splitAddress } from './networks.ts';
import type { Finding, FindingState } from './report.ts';

/** This device's own port: whether it is bound, by whom, and whether a connection to it comes in. */
export function judgePort(all: Facts): readonly Finding[] {
  const { port: facts, system } = all;
  if (facts === undefined) return [];
  const { port, isReceiverOn, addresses } = facts;
  const shut = stateOfShutDoor(all);
  const local = localHost(facts);
  const reach = local === undefined ? [] : [found(shut, { id: 'loopback-only', host: local })];
  if (!isReceiverOn) {
    return [found('note', { id: 'receiver-off' }), ...judgeOpening(facts, shut, system.platform), ...reach];
  }
  return [found('ok', { id: 'receiver-on', port, addresses }), ...judgeOwnPaths(facts, shut), ...reach];
}

/** The address of a receiver that only this machine reaches. */
function localHost({ host, isReceiverOn, addresses }: PortFacts): string | undefined {
  const hosts = host === '' && isReceiverOn ? addresses.map((address) => splitAddress(address).host) : [host];
  return hosts.every((each) => each === 'localhost' || scopeOf(each) === 'loopback') ? hosts[0] : undefined;
}

function judgeOpening(
  { port, host, opening, holder }: PortFacts,
  shut: FindingState,
  platform: string,
): readonly Finding[] {
  switch (opening?.outcome) {
    case undefined:
      return [];
    case 'free':
      return [found('ok', { id: 'port-free', port })];
    case 'taken': {
      const by = holder ?? 'another-program';
      // The terminal program's receiver beside the editor's, with the same key: the port does what it is for.
      const state = by === 'this-device' ? 'note' : shut;
      return [found(state, { id: 'port-taken', port, holder: by }, holderLines(platform, port))];
    }
    case 'forbidden':
      return [found(shut, { id: 'port-forbidden', port }, forbiddenLines(platform))];
    case 'no-such-address':
      return [found(shut, { id: 'host-not-here', host })];
    case 'failed':
      return [found('unknown', { id: 'port-unknown', port, code: opening.code })];
  }
}

/** A connection that this machine does not even let itself make tells of a filter; one that arrives tells little more. */
function judgeOwnPaths({ ownPaths }: PortFacts, shut: FindingState): readonly Finding[] {
  const answering = ownPaths.filter(({ end }) => end === 'ourselves').map(({ address }) => address);
  const silent = ownPaths.filter(({ end }) => end !== 'ourselves').map(({ address }) => address);
  return [
    ...(answering.length > 0 ? [found('ok', { id: 'own-address-answers', addresses: answering })] : []),
    ...(silent.length > 0 ? [found(shut, { id: 'own-address-silent', addresses: silent })] : []),
  ];
}
