import type { Facts, FirewallFacts, WslFacts } from './facts.ts';
import { found, stateOfShutDoor } from './finding.ts';
import { containerLines, mirroredLines, openingLines, sshLines, wslLines } from './lines.ts';
import { kindOf, scopeOf } from './networks.ts';
import type { Finding, FindingState } from './report.ts';

/** The port that is meant where it is not known yet. */
const NO_PORT = 0;

/** What stands around this device: Windows around Linux, a container, another machine's editor, a firewall. */
export function judgeSurroundings(facts: Facts): readonly Finding[] {
  const { surroundings, port: own, system } = facts;
  // Lines without the port would be no lines to type.
  if (surroundings === undefined || own === undefined) return [];
  const port = own.port === NO_PORT ? undefined : own.port;
  if (port === undefined) return [];
  const { wsl, container, remote, firewalls } = surroundings;
  return [
    ...(wsl === undefined ? [] : judgeWsl(wsl, port, facts)),
    ...(container === undefined
      ? []
      : [found('note', { id: 'container', kind: container }, containerLines(container, port))]),
    ...(remote === undefined
      ? []
      : [found('note', { id: 'remote-host', kind: remote }, remote === 'ssh' ? sshLines(port) : [])]),
    ...firewalls.map(({ tool, passes }) =>
      found(
        stateOf(passes, facts),
        { id: 'firewall', tool, port, passes },
        passes === 'yes' ? [] : openingLines(tool, port, system.program),
      ),
    ),
    ...(firewalls.length === 0 ? [found('ok', { id: 'no-firewall' })] : []),
  ];
}

function judgeWsl({ version, networking }: WslFacts, port: number, facts: Facts): readonly Finding[] {
  // The first kind has the network of Windows, and its firewall.
  if (version === 1) {
    const said = { id: 'firewall', tool: 'windows', port, passes: 'unknown' } as const;
    const lines = openingLines('windows', port, facts.system.program);
    return [
      found(
        'unknown',
        said,
        lines.map(({ text }) => ({ where: 'windows-powershell', text })),
      ),
    ];
  }
  switch (networking) {
    case 'nat':
      return [found(stateOfShutDoor(facts), { id: 'wsl-nat' }, wslLines(port, ownAddress(facts)))];
    case 'mirrored':
      return [found('note', { id: 'wsl-mirrored' }, mirroredLines(port))];
    default:
      return [found('unknown', { id: 'wsl-unknown' }, wslLines(port, ownAddress(facts)))];
  }
}

function stateOf(passes: FirewallFacts['passes'], facts: Facts): FindingState {
  if (passes === 'yes') return 'ok';
  return passes === 'unknown' ? 'unknown' : stateOfShutDoor(facts);
}

/** Where Windows reaches this Linux. */
function ownAddress({ interfaces }: Facts): string {
  const outer = interfaces?.filter((each) => kindOf(each) === 'lan') ?? [];
  const address = outer
    .flatMap(({ addresses }) => addresses)
    .find(({ address: text, family }) => family === 'IPv4' && scopeOf(text) === 'private');
  return address?.address ?? 'ADDRESS';
}
