/**
 * What the doctor's probes have found out, before anybody judges it. Made by adapters, in numbers, names and codes;
 * what is not known yet is absent. All texts may come from the system, and addresses from the user.
 */
export interface Facts {
  readonly system: SystemFacts;
  readonly surroundings: Surroundings | undefined;
  readonly interfaces: readonly NetworkInterface[] | undefined;
  readonly port: PortFacts | undefined;
  readonly multicast: MulticastFacts | undefined;
  /** Absent, too, if no peer was asked about. */
  readonly peer: PeerFacts | undefined;
}

/** What takes a while to find out. */
export type Step = 'surroundings' | 'port' | 'multicast' | 'peer';

export interface SystemFacts {
  /** As Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** Of the kernel. */
  readonly release: string;
  readonly architecture: string;
  /** Of Peer Courier. */
  readonly version: string;
  /** Of Node. */
  readonly runtime: string;
  /** The program that listens, absolute: what a firewall for programs has to know. */
  readonly program: string;
}

export interface Surroundings {
  readonly wsl: WslFacts | undefined;
  readonly container: ContainerKind | undefined;
  /** The machine is not the one in front of the user. Said by the caller, who knows. */
  readonly remote: RemoteKind | undefined;
  /** Those that are on, as far as somebody without special rights can see. */
  readonly firewalls: readonly FirewallFacts[];
}

export interface WslFacts {
  readonly version: 1 | 2;
  readonly networking: 'nat' | 'mirrored' | 'other' | 'unknown';
}

export type ContainerKind = 'docker' | 'podman' | 'other';

export const REMOTE_KINDS = ['ssh', 'codespaces', 'other'] as const;
export type RemoteKind = (typeof REMOTE_KINDS)[number];

export type FirewallTool = 'ufw' | 'firewalld' | 'nftables' | 'windows' | 'macos';

export interface FirewallFacts {
  readonly tool: FirewallTool;
  /** Whether it lets connections to our port in. */
  readonly passes: 'yes' | 'no' | 'unknown';
}

export interface NetworkInterface {
  readonly name: string;
  readonly isInternal: boolean;
  readonly addresses: readonly InterfaceAddress[];
}

export interface InterfaceAddress {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** How many leading bits name the network. */
  readonly prefixBits: number;
}

export interface PortFacts {
  readonly port: number;
  /** The only address that the receiver is to listen on; empty for all. */
  readonly host: string;
  readonly isReceiverOn: boolean;
  /** Where it listens, as `HOST:PORT`; empty while it is off. */
  readonly addresses: readonly string[];
  /** While it is off: whether it could open the port. */
  readonly opening: Opening | undefined;
  /** Who answers where the port is taken. */
  readonly holder: PortHolder | undefined;
  /** While it is on: what comes of dialling each of its addresses from here. */
  readonly ownPaths: readonly PathFacts[];
}

/** What came of opening a port for a moment. */
export interface Opening {
  readonly outcome: 'free' | 'taken' | 'forbidden' | 'no-such-address' | 'failed';
  /** The system's error; empty for none. */
  readonly code: string;
}

export type PortHolder = 'this-device' | 'another-device' | 'another-program';

export interface MulticastFacts {
  /** Why nothing could be tried: the system's error. */
  readonly code: string | undefined;
  /** Each interface that was tried, once for IPv4 and once for IPv6. */
  readonly links: readonly MulticastLink[];
  /** How many other devices were heard. */
  readonly others: number;
}

export interface MulticastLink {
  readonly name: string;
  readonly family: 'IPv4' | 'IPv6';
  /** Our own question came back. */
  readonly isHeard: boolean;
}

export interface PeerFacts {
  /** The known peer that was asked about. */
  readonly name: string | undefined;
  /** The known peers, one of which should answer; none if anybody may. */
  readonly expected: readonly PeerIdentity[];
  /** Host names that were looked up. */
  readonly lookups: readonly NameLookup[];
  /** Each address that was tried, the one that was tried first first. */
  readonly paths: readonly PathFacts[];
}

export interface PeerIdentity {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly fingerprint: string;
}

export interface NameLookup {
  readonly host: string;
  readonly addresses: readonly string[];
  /** The system's error; empty for none. */
  readonly code: string;
}

/** How far one gets with one address. */
export interface PathFacts {
  /** `HOST:PORT`, the host as numbers. */
  readonly address: string;
  readonly end: PathEnd;
  /** The system's error; empty for none. */
  readonly code: string;
  /** What it took to connect, there and back. */
  readonly connectMs: number | undefined;
  /** Whose key was shown. */
  readonly answering: { readonly fingerprint: string; readonly knownAs: string | undefined } | undefined;
}

export type PathEnd =
  /** TCP. */
  | 'refused'
  | 'timed-out'
  | 'unreachable'
  /** TLS: it accepts and says nothing, closes at once, or speaks something else. */
  | 'silent'
  | 'hung-up'
  | 'not-peer-courier'
  /** Identity: ourselves; another key where the peer was last, or where it is only said to be or was long ago. */
  | 'ourselves'
  | 'wrong-identity'
  | 'another-device'
  /** The greeting. */
  | 'no-greeting'
  | 'version-mismatch'
  | 'busy'
  | 'not-known-there'
  | 'greeted';
