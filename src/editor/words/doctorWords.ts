import { l10n } from 'vscode';
import type { FirewallTool, PortHolder, RemoteKind } from '../../doctor/facts.ts';
import type { Finding, LinePlace } from '../../doctor/report.ts';
import { codeText } from '../text.ts';
import { count } from './numbers.ts';

/** What the doctor's findings mean. Every name and address in a sentence is made inert for the page. */

export function findingSentence(finding: Finding): string {
  switch (finding.id) {
    case 'networks':
      return l10n.t(
        'Networks of this machine: {0}.',
        listed(
          finding.networks.flatMap(({ name, addresses }) => [...(name === '' ? [] : [name]), ...addresses]),
        ),
      );
    case 'no-network':
      return l10n.t('This machine is in no network: it has no address but its own loopback.');
    case 'link-local-only':
      return l10n.t(
        'No router has given this machine an address, so it reaches at most what is on the same cable. Check the cable, the Wi-Fi or DHCP.',
      );
    case 'tunnel':
      return l10n.t(
        'A VPN or tunnel is on. Some let nothing through to the local network while they are on; try without.',
      );
    case 'wsl-nat':
      return l10n.t(
        'This Linux runs inside Windows (WSL 2) behind its address translation: connections from other machines do not come in. Either share the network of Windows, or let Windows pass them on.',
      );
    case 'wsl-mirrored':
      return l10n.t(
        'This Linux runs inside Windows (WSL 2) and shares its network. Connections come in only if the firewall for it says so.',
      );
    case 'wsl-unknown':
      return l10n.t(
        'This Linux runs inside Windows (WSL 2). If it has a network of its own, connections from other machines do not come in.',
      );
    case 'container':
      return l10n.t(
        'This runs in a container. Others reach it only if its port is passed on when it is started.',
      );
    case 'remote-host':
      return remoteSentence(finding.kind);
    case 'firewall':
      return firewallSentence(TOOLS[finding.tool](), finding.port, finding.passes);
    case 'no-firewall':
      return l10n.t('No firewall of this machine was seen, as far as can be seen without special rights.');
    case 'receiver-on':
      return l10n.t('The receiver is on: port {0}, at {1}.', String(finding.port), listed(finding.addresses));
    case 'receiver-off':
      return l10n.t('The receiver is off, so nobody can send to this device. Start it if they should.');
    case 'port-free':
      return l10n.t('Port {0} is free.', String(finding.port));
    case 'port-taken':
      return HOLDERS[finding.holder](String(finding.port));
    case 'port-forbidden':
      return l10n.t(
        'The system does not let this program open port {0}. Set another one, above 1023.',
        String(finding.port),
      );
    case 'port-unknown':
      return l10n.t(
        'Whether port {0} can be opened is unclear ({1}).',
        String(finding.port),
        codeText(finding.code),
      );
    case 'host-not-here':
      return l10n.t(
        '{0} is no address of this machine, so nothing can listen there. Set the host to another, or leave it empty.',
        codeText(finding.host),
      );
    case 'loopback-only':
      return l10n.t(
        'The receiver is set to {0}, which only this machine reaches. Set the host to another address, or leave it empty.',
        codeText(finding.host),
      );
    case 'own-address-answers':
      return l10n.t('A connection from this machine comes in at {0}.', listed(finding.addresses));
    case 'own-address-silent':
      return l10n.t(
        'Not even a connection from this machine comes in at {0}: something here keeps it out, such as a firewall or a VPN.',
        listed(finding.addresses),
      );
    case 'multicast-heard':
      return l10n.t('Multicast works. Other devices heard: {0}.', count(finding.count));
    case 'multicast-alone':
      return l10n.t(
        'Multicast goes out, and nobody else was heard. Either nobody is there, or the Wi-Fi keeps its guests apart, or a firewall drops UDP 5353. Addresses, codes and invites work without.',
      );
    case 'multicast-deaf':
      return l10n.t('Multicast is not heard in any network. Addresses, codes and invites work without.');
    case 'multicast-unknown':
      return l10n.t(
        'Multicast could not be tried ({0}). Addresses, codes and invites work without.',
        codeText(finding.code),
      );
    case 'peer-without-address':
      return l10n.t('No address of {0} is known. Give one, or ask for an invite.', codeText(finding.name));
    case 'name-found':
      return l10n.t('{0} is {1}.', codeText(finding.host), listed(finding.addresses));
    case 'name-unknown':
      return l10n.t(
        'No address is known for the name {0} ({1}). Check how it is written, or give the address in numbers.',
        codeText(finding.host),
        codeText(finding.code),
      );
    case 'connected':
      return l10n.t(
        '{0} takes connections: {1} ms there and back.',
        codeText(finding.address),
        count(finding.milliseconds),
      );
    case 'refused':
      return l10n.t(
        'Nobody listens at {0}. Ask the peer to start the receiver, and check the port.',
        codeText(finding.address),
      );
    case 'timed-out':
      return l10n.t(
        'Nothing comes back from {0}. The machine is off or elsewhere, or its firewall drops connections. The lines below let them in, over there.',
        codeText(finding.address),
      );
    case 'unreachable':
      return l10n.t(
        'The network says that {0} cannot be reached ({1}). The machine is off or elsewhere, or its firewall turns connections away. The lines below let them in, over there.',
        codeText(finding.address),
        codeText(finding.code),
      );
    case 'local-network-denied':
      return l10n.t(
        'macOS does not let this program into the local network, where {0} is. Allow Visual Studio Code in System Settings › Privacy & Security › Local Network, then start it again.',
        codeText(finding.address),
      );
    case 'other-network':
      return l10n.t(
        '{0} belongs to a private network that this machine is not in. Join the same network or VPN, or ask for another address.',
        codeText(finding.address),
      );
    case 'silent':
      return l10n.t(
        '{0} takes connections and then says nothing: not Peer Courier, or a device that hangs.',
        codeText(finding.address),
      );
    case 'hung-up':
      return l10n.t(
        '{0} takes connections and hangs up at once: not Peer Courier, or something between that does not want it.',
        codeText(finding.address),
      );
    case 'not-peer-courier':
      return l10n.t(
        'Something else answers at {0}, not Peer Courier. Check the port.',
        codeText(finding.address),
      );
    case 'ourselves':
      return l10n.t(
        'This device itself answers at {0}. Check the address of the other one.',
        codeText(finding.address),
      );
    case 'another-device':
      return l10n.t(
        'Another device answers at {0}, where the peer was or is said to be. Ask for its address, or for an invite.',
        codeText(finding.address),
      );
    case 'right-identity':
      return l10n.t('It is {0} ({1}).', codeText(finding.name), digits(finding.fingerprint));
    case 'new-identity':
      return l10n.t('A device answers that is not a known peer ({0}).', digits(finding.fingerprint));
    case 'wrong-identity':
      return l10n.t(
        'Another device answers than {0}: expected {1}, seen {2}. Do not send anything unless you know why; ask for a new invite if its identity was made anew.',
        codeText(finding.name),
        digits(finding.expected),
        digits(finding.found),
      );
    case 'greeted':
      return l10n.t('It knows this device and lets it in. A transfer can begin.');
    case 'not-known-there':
      return l10n.t(
        'It answers, and does not know this device. Pair with it: by an invite, or by comparing a code.',
      );
    case 'peer-busy':
      return l10n.t('It knows this device and is busy with other transfers.');
    case 'version-mismatch':
      return l10n.t('It speaks another version of the protocol. Update Peer Courier on both sides.');
    case 'no-greeting':
      return l10n.t('It does not answer a greeting. Ask the peer to start Peer Courier anew.');
  }
}

/** Where the lines below belong. */
export function linePlace(place: LinePlace): string {
  switch (place) {
    case 'terminal':
      return l10n.t('Type in a terminal:');
    case 'powershell':
      return l10n.t('Type in PowerShell, as administrator:');
    case 'windows-powershell':
      return l10n.t('In Windows, type in PowerShell, as administrator:');
    case 'wslconfig':
      return l10n.t('In Windows, write into {0}:', codeText(String.raw`%UserProfile%\.wslconfig`));
    case 'container-host':
      return l10n.t('Where the container is started:');
    case 'own-machine':
      return l10n.t('On your own machine:');
    case 'peer-linux':
      return l10n.t('There, on Linux, the line for its firewall:');
    case 'peer-windows':
      return l10n.t('There, on Windows, in PowerShell, as administrator:');
  }
}

const TOOLS: Readonly<Record<FirewallTool, () => string>> = {
  ufw: () => 'ufw',
  firewalld: () => 'firewalld',
  nftables: () => 'nftables',
  windows: () => l10n.t('of Windows'),
  macos: () => l10n.t('of macOS'),
};

function remoteSentence(kind: RemoteKind): string {
  switch (kind) {
    case 'ssh':
      return l10n.t(
        'This runs on a remote machine: others have to reach that one. Yours can pass connections on to it.',
      );
    case 'codespaces':
      return l10n.t(
        'This runs in a codespace, which takes no connections from outside. Send from here, or install Peer Courier on your own machine.',
      );
    case 'other':
      return l10n.t('This runs on a remote machine: others have to reach that one, in its own network.');
  }
}

function firewallSentence(tool: string, port: number, passes: 'yes' | 'no' | 'unknown'): string {
  switch (passes) {
    case 'yes':
      return l10n.t('The firewall {0} is on and lets connections to port {1} in.', tool, String(port));
    case 'no':
      return l10n.t('The firewall {0} is on and keeps connections to port {1} out.', tool, String(port));
    case 'unknown':
      return l10n.t(
        'The firewall {0} is on; whether it lets connections to port {1} in cannot be seen without special rights.',
        tool,
        String(port),
      );
  }
}

const HOLDERS: Readonly<Record<PortHolder, (port: string) => string>> = {
  'this-device': (port) => l10n.t('A receiver of this same device has port {0} already.', port),
  'another-device': (port) =>
    l10n.t(
      'Another Peer Courier on this machine, with another identity, has port {0}. Stop it, or set another port.',
      port,
    ),
  'another-program': (port) =>
    l10n.t(
      'Another program has port {0}. Stop it, or set another port. The line below shows which it is.',
      port,
    ),
};

/** As many as find room. */
const MOST_LISTED = 8;

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_LISTED).map((text) => codeText(text));
  return [...shown, ...(texts.length > MOST_LISTED ? ['…'] : [])].join(', ');
}

/** A fingerprint in groups of four, as far as it can be recognised by. */
function digits(fingerprint: string): string {
  return codeText((fingerprint.slice(0, 16).match(/.{1,4}/gu) ?? []).join('-').toUpperCase());
}
