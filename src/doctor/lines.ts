import type { ContainerKind, FirewallTool } from './facts.ts';
import type { AdviceLine, LinePlace } from './report.ts';

/** The exact lines that let a connection through, for each system. Nothing here is ever run by us. */

/** Lets connections to the port in. */
export function openingLines(tool: FirewallTool, port: number, program: string): readonly AdviceLine[] {
  switch (tool) {
    case 'ufw':
      return at('terminal', UFW(port));
    case 'firewalld':
      return at('terminal', FIREWALLD(port));
    case 'nftables':
      // Table and chain as in the file that Debian brings.
      return at('terminal', `sudo nft add rule inet filter input tcp dport ${port} accept`);
    case 'windows':
      return at('powershell', WINDOWS(port));
    case 'macos': {
      const quoted = quote(program);
      const tell = 'sudo /usr/libexec/ApplicationFirewall/socketfilterfw';
      return at('terminal', `${tell} --add ${quoted}`, `${tell} --unblockapp ${quoted}`);
    }
  }
}

/** The same on the peer's machine, whatever it is. */
export function peerOpeningLines(port: number): readonly AdviceLine[] {
  return [...at('peer-linux', UFW(port), FIREWALLD(port)), ...at('peer-windows', WINDOWS(port))];
}

/** Lets the group of mDNS be heard. */
export function multicastLines(tool: FirewallTool): readonly AdviceLine[] {
  switch (tool) {
    case 'ufw':
      return at('terminal', 'sudo ufw allow 5353/udp');
    case 'firewalld':
      return at('terminal', 'sudo firewall-cmd --add-service=mdns --permanent && sudo firewall-cmd --reload');
    case 'nftables':
      return at('terminal', 'sudo nft add rule inet filter input udp dport 5353 accept');
    case 'windows':
      return at(
        'powershell',
        'New-NetFirewallRule -DisplayName "Peer Courier mDNS" -Direction Inbound -Protocol UDP -LocalPort 5353 -Action Allow',
      );
    case 'macos':
      return [];
  }
}

/** Shows which program holds a port. */
export function holderLines(platform: string, port: number): readonly AdviceLine[] {
  switch (platform) {
    case 'win32':
      return at(
        'powershell',
        `Get-Process -Id (Get-NetTCPConnection -LocalPort ${port} -State Listen).OwningProcess`,
      );
    case 'darwin':
      return at('terminal', `lsof -nP -iTCP:${port} -sTCP:LISTEN`);
    default:
      return at('terminal', `ss -ltnp 'sport = :${port}'`);
  }
}

/** Shows why a port may not be opened. */
export function forbiddenLines(platform: string): readonly AdviceLine[] {
  return platform === 'win32' ? at('powershell', 'netsh int ipv4 show excludedportrange protocol=tcp') : [];
}

/** Leads from Windows into the Linux that runs in it: with one network for both, or by a rule. */
export function wslLines(port: number, address: string): readonly AdviceLine[] {
  const forward = `netsh interface portproxy add v4tov4 listenaddress=0.0.0.0 listenport=${port} connectaddress=${address} connectport=${port}`;
  return [
    ...at('wslconfig', '[wsl2]', 'networkingMode=mirrored'),
    ...at('windows-powershell', 'wsl --shutdown'),
    ...at('windows-powershell', forward, WINDOWS(port)),
  ];
}

/** With one network for both, it is another firewall of Windows that decides. */
export function mirroredLines(port: number): readonly AdviceLine[] {
  return at(
    'windows-powershell',
    `New-NetFirewallHyperVRule -Name PeerCourier -DisplayName "Peer Courier" -Direction Inbound -VMCreatorId '${WSL_CREATOR}' -Protocol TCP -LocalPorts ${port} -Action Allow`,
  );
}

export function containerLines(kind: ContainerKind, port: number): readonly AdviceLine[] {
  return at('container-host', `${kind === 'podman' ? 'podman' : 'docker'} run -p ${port}:${port} IMAGE`);
}

/** Leads from a machine in the user's network to the one on which this runs. */
export function sshLines(port: number): readonly AdviceLine[] {
  return at('own-machine', `ssh -L '*:${port}:127.0.0.1:${port}' HOST`);
}

/** Opens the page of the settings on which programs are let into the local network. */
export function localNetworkLines(): readonly AdviceLine[] {
  return at(
    'terminal',
    "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_LocalNetwork'",
  );
}

/** Whose virtual machines the rule is for: all of WSL has this one. */
const WSL_CREATOR = '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}';

const UFW = (port: number): string => `sudo ufw allow ${port}/tcp`;
const FIREWALLD = (port: number): string =>
  `sudo firewall-cmd --add-port=${port}/tcp --permanent && sudo firewall-cmd --reload`;
const WINDOWS = (port: number): string =>
  `New-NetFirewallRule -DisplayName "Peer Courier" -Direction Inbound -Protocol TCP -LocalPort ${port} -Action Allow`;

function at(where: LinePlace, ...texts: readonly string[]): readonly AdviceLine[] {
  return texts.map((text) => ({ where, text }));
}

/** For a POSIX shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
