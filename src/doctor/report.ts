import type { ContainerKind, FirewallFacts, FirewallTool, PortHolder, RemoteKind, Step } from './facts.ts';

/**
 * What the doctor has to say: findings by id, with what they are about. Words are its clients' part; only lines that
 * somebody types stand in it as they are. Names and addresses in it may be anybody's, and are shown as text.
 */
export interface DoctorReport {
  readonly system: ReportedSystem;
  /** What is still being looked at. */
  readonly pending: readonly Step[];
  /** What was asked about comes first. */
  readonly findings: readonly Finding[];
  /** The one that most likely stands in the way; told when nothing is pending. */
  readonly cause: Finding | undefined;
}

/** A report for its user, and the same for strangers. */
export interface Examination {
  readonly report: DoctorReport;
  /** Nothing in it says whose machine it is. */
  readonly redacted: DoctorReport;
}

export interface ReportedSystem {
  readonly platform: string;
  readonly release: string;
  readonly architecture: string;
  readonly version: string;
  readonly runtime: string;
}

export type FindingState =
  | 'ok'
  /** Stands in the way of a transfer. */
  | 'problem'
  /** Could not be found out. */
  | 'unknown'
  /** Worth knowing, and in nobody's way by itself. */
  | 'note';

export type Finding = Said & {
  readonly state: FindingState;
  /** What to type, exactly; may be empty. */
  readonly lines: readonly AdviceLine[];
};

export interface AdviceLine {
  readonly where: LinePlace;
  readonly text: string;
}

/** Where a line is typed, or written. */
export type LinePlace =
  | 'terminal'
  | 'powershell'
  /** On the Windows in which this Linux runs. */
  | 'windows-powershell'
  /** In `%UserProfile%\.wslconfig`, there. */
  | 'wslconfig'
  /** Where the container is started. */
  | 'container-host'
  /** On the machine in front of the user. */
  | 'own-machine'
  | 'peer-linux'
  | 'peer-windows';

export type InterfaceKind = 'lan' | 'tunnel' | 'virtual' | 'link-local' | 'loopback';

export interface ReportedNetwork {
  readonly kind: InterfaceKind;
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What a finding is about. */
export type Said =
  // This machine's networks.
  | { readonly id: 'networks'; readonly networks: readonly ReportedNetwork[] }
  | { readonly id: 'no-network' }
  | { readonly id: 'link-local-only' }
  | { readonly id: 'tunnel'; readonly names: readonly string[] }
  // Its surroundings.
  | { readonly id: 'wsl-nat' }
  | { readonly id: 'wsl-mirrored' }
  | { readonly id: 'wsl-unknown' }
  | { readonly id: 'container'; readonly kind: ContainerKind }
  | { readonly id: 'remote-host'; readonly kind: RemoteKind }
  | {
      readonly id: 'firewall';
      readonly tool: FirewallTool;
      readonly port: number;
      readonly passes: FirewallFacts['passes'];
    }
  | { readonly id: 'no-firewall' }
  // This device's port.
  | { readonly id: 'receiver-on'; readonly port: number; readonly addresses: readonly string[] }
  | { readonly id: 'receiver-off' }
  | { readonly id: 'port-free'; readonly port: number }
  | { readonly id: 'port-taken'; readonly port: number; readonly holder: PortHolder }
  | { readonly id: 'port-forbidden'; readonly port: number }
  | { readonly id: 'port-unknown'; readonly port: number; readonly code: string }
  | { readonly id: 'host-not-here'; readonly host: string }
  | { readonly id: 'loopback-only'; readonly host: string }
  | { readonly id: 'own-address-answers'; readonly addresses: readonly string[] }
  | { readonly id: 'own-address-silent'; readonly addresses: readonly string[] }
  // Multicast.
  | { readonly id: 'multicast-heard'; readonly count: number }
  | { readonly id: 'multicast-alone' }
  | { readonly id: 'multicast-deaf' }
  | { readonly id: 'multicast-unknown'; readonly code: string }
  // The peer.
  | { readonly id: 'peer-without-address'; readonly name: string }
  | { readonly id: 'name-found'; readonly host: string; readonly addresses: readonly string[] }
  | { readonly id: 'name-unknown'; readonly host: string; readonly code: string }
  | { readonly id: 'connected'; readonly address: string; readonly milliseconds: number }
  | { readonly id: 'refused'; readonly address: string }
  | { readonly id: 'timed-out'; readonly address: string }
  | { readonly id: 'unreachable'; readonly address: string; readonly code: string }
  | { readonly id: 'local-network-denied'; readonly address: string }
  | { readonly id: 'other-network'; readonly address: string }
  | { readonly id: 'silent'; readonly address: string }
  | { readonly id: 'hung-up'; readonly address: string }
  | { readonly id: 'not-peer-courier'; readonly address: string }
  | { readonly id: 'ourselves'; readonly address: string }
  | { readonly id: 'another-device'; readonly address: string }
  | { readonly id: 'right-identity'; readonly name: string; readonly fingerprint: string }
  | { readonly id: 'new-identity'; readonly fingerprint: string }
  | {
      readonly id: 'wrong-identity';
      readonly name: string;
      readonly expected: string;
      readonly found: string;
    }
  | { readonly id: 'greeted' }
  | { readonly id: 'not-known-there' }
  | { readonly id: 'peer-busy' }
  | { readonly id: 'version-mismatch' }
  | { readonly id: 'no-greeting' };

export type FindingId = Said['id'];
