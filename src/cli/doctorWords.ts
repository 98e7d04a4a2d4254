import { printable } from '../base/printable.ts';
import type { FirewallTool, PortHolder, RemoteKind } from '../doctor/facts.ts';
import type { Finding, LinePlace } from '../doctor/report.ts';
import { formatCount } from './format.ts';

/** What the doctor's findings mean, for whoever reads a terminal. */

export function sentenceOf(finding: Finding): string {
  switch (finding.id) {
    case 'networks':
      return `This machine is in ${formatCount(finding.networks.length, 'network', 'networks')}: ${listed(
        finding.networks.map(
          ({ kind, name, addresses }) => `${[name, ...addresses].filter(Boolean).join(' ')} (${KINDS[kind]})`,
        ),
        '; ',
      )}.`;
    case 'no-network':
      return 'This machine is in no network: it has no address but its own loopback.';
    case 'link-local-only':
      return 'No router has given this machine an address, so it reaches at most what is on the same cable. Check the cable, the Wi-Fi or DHCP.';
    case 'tunnel':
      return `A VPN or tunnel is on${about(finding.names)}. Some let nothing through to the local network while they are on; try without.`;
    case 'wsl-nat':
      return 'This Linux runs inside Windows (WSL 2) behind its address translation: connections from other machines do not come in. Either share the network of Windows, or let Windows pass them on:';
    case 'wsl-mirrored':
      return 'This Linux runs inside Windows (WSL 2) and shares its network. Connections come in only if the firewall for it says so:';
    case 'wsl-unknown':
      return 'This Linux runs inside Windows (WSL 2). If it has a network of its own, connections from other machines do not come in:';
    case 'container':
      return 'This runs in a container. Others reach it only if its port is passed on when it is started:';
    case 'remote-host':
      return REMOTES[finding.kind];
    case 'firewall':
      return firewallSentence(finding.tool, finding.port, finding.passes);
    case 'no-firewall':
      return 'No firewall of this machine was seen, as far as can be seen without special rights.';
    case 'receiver-on':
      return `The receiver is on: port ${finding.port}, at ${listed(finding.addresses)}.`;
    case 'receiver-off':
      return 'The receiver is off, so nobody can send to this device. Start it with "peer-courier receive --folder DIR".';
    case 'port-free':
      return `Port ${finding.port} is free.`;
    case 'port-taken':
      return `${HOLDERS[finding.holder](finding.port)} This shows which program it is:`;
    case 'port-forbidden':
      return `The system does not let this program open port ${finding.port}. Choose another with --port, above 1023.`;
    case 'port-unknown':
      return `Whether port ${finding.port} can be opened is unclear (${finding.code}).`;
    case 'host-not-here':
      return `${printable(finding.host)} is no address of this machine, so nothing can listen there. Give --host another, or leave it out.`;
    case 'loopback-only':
      return `The receiver is set to ${printable(finding.host)}, which only this machine reaches. Give --host another address, or leave it out.`;
    case 'own-address-answers':
      return `A connection from this machine comes in at ${listed(finding.addresses)}.`;
    case 'own-address-silent':
      return `Not even a connection from this machine comes in at ${listed(finding.addresses)}: something here keeps it out, such as a firewall or a VPN.`;
    case 'multicast-heard':
      return `Multicast works: ${formatCount(finding.count, 'other device was', 'other devices were')} heard.`;
    case 'multicast-alone':
      return 'Multicast goes out, and nobody else was heard. Either nobody is there, or the Wi-Fi keeps its guests apart, or a firewall drops UDP 5353. Addresses, codes and invites work without.';
    case 'multicast-deaf':
      return 'Multicast is not heard in any network. Addresses, codes and invites work without.';
    case 'multicast-unknown':
      return `Multicast could not be tried (${finding.code}). Addresses, codes and invites work without.`;
    case 'peer-without-address':
      return `No address of ${printable(finding.name)} is known. Give one, or ask for an invite.`;
    case 'name-found':
      return `${printable(finding.host)} is ${listed(finding.addresses)}.`;
    case 'name-unknown':
      return `No address is known for the name ${printable(finding.host)} (${finding.code}). Check how it is written, or give the address in numbers.`;
    case 'connected':
      return `${finding.address} takes connections: ${finding.milliseconds} ms there and back.`;
    case 'refused':
      return `Nobody listens at ${finding.address}. Start the receiver on the other device, and check the port.`;
    case 'timed-out':
      return `Nothing comes back from ${finding.address}. The machine is off or elsewhere, or its firewall drops connections. There, let them in:`;
    case 'unreachable':
      return `The network says that ${finding.address} cannot be reached (${finding.code}). The machine is off or elsewhere, or its firewall turns connections away. There, let them in:`;
    case 'local-network-denied':
      return `macOS does not let this program into the local network, where ${finding.address} is. Allow it (Visual Studio Code, or the terminal) in System Settings › Privacy & Security › Local Network, then start it again:`;
    case 'other-network':
      return `${finding.address} belongs to a private network that this machine is not in. Join the same network or VPN, or ask for another address.`;
    case 'silent':
      return `${finding.address} takes connections and then says nothing: not Peer Courier, or a device that hangs.`;
    case 'hung-up':
      return `${finding.address} takes connections and hangs up at once: not Peer Courier, or something between that does not want it.`;
    case 'not-peer-courier':
      return `Something else answers at ${finding.address}, not Peer Courier. Check the port.`;
    case 'ourselves':
      return `This device itself answers at ${finding.address}. Check the address of the other one.`;
    case 'another-device':
      return `Another device answers at ${finding.address}, where the peer was or is said to be. Ask for its address, or for an invite.`;
    case 'right-identity':
      return `It is ${printable(finding.name)} (${digits(finding.fingerprint)}).`;
    case 'new-identity':
      return `A device answers that is not a known peer (${digits(finding.fingerprint)}).`;
    case 'wrong-identity':
      return `Another device answers than ${printable(finding.name)}: expected ${digits(finding.expected)}, seen ${digits(finding.found)}. Do not send anything unless you know why; ask for a new invite if its identity was made anew.`;
    case 'greeted':
      return 'It knows this device and lets it in. A transfer can begin.';
    case 'not-known-there':
      return 'It answers, and does not know this device. Pair with it: ask for an invite, or compare a code ("peer-courier pair").';
    case 'peer-busy':
      return 'It knows this device and is busy with other transfers.';
    case 'version-mismatch':
      return 'It speaks another version of the protocol. Update Peer Courier on both.';
    case 'no-greeting':
      return 'It does not answer a greeting. Start Peer Courier on it anew.';
  }
}

/** Where the lines below belong. */
export function placeOf(place: LinePlace): string {
  switch (place) {
    case 'terminal':
      return 'Type:';
    case 'powershell':
      return 'Type in PowerShell, as administrator:';
    case 'windows-powershell':
      return 'In Windows, type in PowerShell, as administrator:';
    case 'wslconfig':
      return String.raw`In Windows, write into %UserProfile%\.wslconfig:`;
    case 'container-host':
      return 'Where the container is started:';
    case 'own-machine':
      return 'On your own machine:';
    case 'peer-linux':
      return 'There, on Linux, the line for its firewall:';
    case 'peer-windows':
      return 'There, on Windows, in PowerShell, as administrator:';
  }
}

const KINDS = {
  lan: 'network',
  tunnel: 'VPN or tunnel',
  virtual: 'inside this machine',
  'link-local': 'no address from a router',
  loopback: 'loopback',
} as const;

const REMOTES: Readonly<Record<RemoteKind, string>> = {
  ssh: 'This runs on a remote machine: others have to reach that one. Yours can pass connections on to it:',
  codespaces:
    'This runs in a codespace, which takes no connections from outside. Send from here, or install Peer Courier on your own machine.',
  other: 'This runs on a remote machine: others have to reach that one, in its own network.',
};

const TOOLS: Readonly<Record<FirewallTool, string>> = {
  ufw: 'The firewall ufw',
  firewalld: 'The firewall firewalld',
  nftables: 'The firewall nftables',
  windows: 'The Windows firewall',
  macos: 'The macOS firewall',
};

function firewallSentence(tool: FirewallTool, port: number, passes: 'yes' | 'no' | 'unknown'): string {
  switch (passes) {
    case 'yes':
      return `${TOOLS[tool]} is on and lets connections to port ${port} in.`;
    case 'no':
      return `${TOOLS[tool]} is on and keeps connections to port ${port} out. This lets them in:`;
    case 'unknown':
      return `${TOOLS[tool]} is on; whether it lets connections to port ${port} in cannot be seen without special rights. This lets them in:`;
  }
}

const HOLDERS: Readonly<Record<PortHolder, (port: number) => string>> = {
  'this-device': (port) => `A receiver of this same device has port ${port} already.`,
  'another-device': (port) =>
    `Another Peer Courier on this machine, with another identity, has port ${port}. Stop it, or choose another port with --port.`,
  'another-program': (port) =>
    `Another program has port ${port}. Stop it, or choose another port with --port.`,
};

/** As many as find room. */
const MOST_LISTED = 6;

function listed(texts: readonly string[], separator = ', '): string {
  const shown = texts.slice(0, MOST_LISTED).map((text) => printable(text));
  return [...shown, ...(texts.length > MOST_LISTED ? ['…'] : [])].join(separator);
}

function about(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${listed(names)})`;
}

/** A fingerprint in groups of four, as far as it can be recognised by. */
function digits(fingerprint: string): string {
  return (fingerprint.slice(0, 16).match(/.{1,4}/gu) ?? []).join('-').toUpperCase();
}
