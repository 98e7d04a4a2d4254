import type { EntryFailure, FailureCode } from '../base/failure.ts';

/**
 * What a window knows of the engine: snapshots of its state, made for showing. Every text in them that
 * comes from a peer or from the disk is printable but untrusted: it is shown as text, never as markup.
 */
export interface EngineState {
  readonly device: Device;
  readonly receiver: ReceiverStatus;
  readonly peers: readonly PeerSummary[];
  /** Who is there now, known or not; empty while nobody looks. */
  readonly nearby: readonly NearbyPeer[];
  /** Latest first. */
  readonly transfers: readonly TransferSummary[];
  /** Latest first; survives restarts. */
  readonly received: readonly ReceivedSummary[];
}

/** The sections of the state that have changed; the others are as they were. */
export type StateChange = Partial<EngineState>;

/** This device, as peers see it. */
export interface Device {
  readonly name: string;
  /** 64 hexadecimal digits; absent before a window has handed over the identity. */
  readonly fingerprint: string | undefined;
  /** The machine that the engine runs on: in a remote window it is not the one in front of the user. */
  readonly machine: string;
}

/** Why something did not work: a code that picks the sentence for people, and what it is about. */
export interface Failure {
  /** `gone`: there is no such transfer or offer any more. */
  readonly code: FailureCode | 'gone';
  /** The thing it is about: a path, an address; may be empty. */
  readonly detail: string;
  /** Whose side found it. */
  readonly origin: 'local' | 'remote';
}

export type ReceiverStatus =
  | { readonly state: 'off' }
  | { readonly state: 'starting' }
  | {
      readonly state: 'listening';
      /** Where peers can reach it, as `HOST:PORT`. */
      readonly addresses: readonly string[];
      /** Absolute. */
      readonly folder: string;
    }
  | { readonly state: 'failed'; readonly failure: Failure };

/** A known peer. */
export interface PeerSummary {
  readonly fingerprint: string;
  /** What its user calls it; no other known peer has that name. */
  readonly name: string;
  /** Where it was reached, latest first, as `HOST:PORT`; may be empty. */
  readonly addresses: readonly string[];
  /** `unreadable`: what was set cannot be read, so that each offer is asked about until it is set again. */
  readonly policy: PeerPolicy | { readonly kind: 'unreadable' };
}

/** A device that has answered under its key just now. */
export interface NearbyPeer {
  readonly fingerprint: string;
  /** What it announces as its name, if its user has set one: nothing that was proven. */
  readonly deviceName: string | undefined;
  /** The fastest way to it, as `HOST:PORT`. */
  readonly address: string;
  readonly roundTripMs: number;
}

/** What a known peer may do without its user being asked. */
export type PeerPolicy =
  /** What the settings say. */
  | { readonly kind: 'default' }
  | { readonly kind: 'ask' }
  /** Up to so many bytes an offer, into this folder, an absolute path; nothing there is replaced. */
  | { readonly kind: 'accept'; readonly upToBytes: number; readonly folder: string }
  /** It is let in no more than a stranger, and nothing is sent to it. */
  | { readonly kind: 'block' };

export type TransferPhase =
  /** Outgoing: waits for whoever redeems its invite, until `retryAtMs`; it has no peer yet. */
  | 'shared'
  /** Outgoing: not connected yet. */
  | 'connecting'
  /** The offer is being made. */
  | 'offering'
  /** Outgoing: the peer's user has to accept it. */
  | 'waiting'
  /** Incoming: this device's user has to accept it; `offer` is there. */
  | 'asking'
  | 'moving'
  | 'publishing'
  | 'paused'
  /** The connection broke; what has arrived is kept. `failure` says why, `retryAtMs` when it goes on. */
  | 'interrupted'
  | 'done'
  /** By this device's user or the peer's. */
  | 'cancelled'
  | 'declined'
  | 'failed';

/** One transfer in the list. */
export interface TransferSummary {
  /** Unique among all transfers of the engine. */
  readonly id: string;
  readonly direction: 'outgoing' | 'incoming';
  /** Both are empty while it is `shared`, and when it has ended as that. */
  readonly peer: { readonly name: string; readonly fingerprint: string };
  /** What is sent, in the sender's words. */
  readonly label: string;
  readonly phase: TransferPhase;
  readonly progress: Progress;
  /** Milliseconds since 1970, as all times here. */
  readonly startedAtMs: number;
  /** The window that started it; that one shows a notification. */
  readonly window: string | undefined;
  /** While `asking`. */
  readonly offer: OfferDetails | undefined;
  readonly failure: Failure | undefined;
  /**
   * While `interrupted`: when the next attempt begins; absent if only the user or the peer can go on. While `shared`:
   * when the invite ends.
   */
  readonly retryAtMs: number | undefined;
  /** Of an interrupted incoming one: bytes on the disk that are kept for when it goes on, and that discarding frees. */
  readonly heldBytes: number | undefined;
  /** Entries that did not arrive though the transfer went on. */
  readonly failedCount: number;
  /** The first of them. */
  readonly failedEntries: readonly { readonly path: string; readonly reason: EntryFailure }[];
  /** Entries that the receiver had already or left as they were. */
  readonly skippedCount: number;
  /** When done: the digest of everything, 64 hexadecimal digits, the same on both sides. */
  readonly digest: string | undefined;
}

/** What waits from now on for whoever redeems its invite. */
export interface SharedSummary extends Pick<TransferSummary, 'id' | 'label'> {
  /** The invite. */
  readonly text: string;
  readonly expiresAtMs: number;
}

/** Bytes that the receiver has verified and written. */
export interface Progress {
  readonly bytesDone: number;
  /** As far as it is known yet. */
  readonly bytesTotal: number;
  readonly entriesDone: number;
  readonly entriesTotal: number;
  /** 0 when nothing moves. */
  readonly bytesPerSecond: number;
  readonly remainingMs: number | undefined;
}

/** What a user decides on. */
export interface OfferDetails {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  /** The first top-level names. */
  readonly roots: readonly string[];
  readonly rootCount: number;
  readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Names that editors, shells or desktops obey: how many, and the first of each kind. */
  readonly notable: { readonly count: number; readonly first: readonly string[] };
  /** Absolute: where it is received unless the user chooses another folder. */
  readonly folder: string;
  /** Top-level names that are taken in `folder`. */
  readonly conflicts: number;
  /** The folder lies in a workspace that is open in some window. */
  readonly isInWorkspace: boolean;
  /** When it is declined by itself. */
  readonly deadlineMs: number;
}

/** One finished incoming transfer in the history. */
export interface ReceivedSummary {
  readonly id: string;
  readonly label: string;
  readonly peer: { readonly name: string; readonly fingerprint: string };
  /** Absolute. */
  readonly folder: string;
  /** Top-level names as they stand in `folder`; the first few. */
  readonly names: readonly string[];
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  readonly digest: string;
  readonly receivedAtMs: number;
}

/** What the user has set; the same in every window of one machine. */
export interface EngineSettings {
  /** Absolute; empty for `Downloads/Peer Courier` in the user's home. */
  readonly receiveFolder: string;
  /** Empty for all interfaces. */
  readonly host: string;
  readonly port: number;
  /** Empty for the machine's name. */
  readonly deviceName: string;
  readonly accept: 'ask' | 'known';
  /** The largest offer that `known` accepts without asking; 0 for no limit. */
  readonly acceptLimitBytes: number;
  readonly compression: 'automatic' | 'off';
  /** 0 for no limit. */
  readonly limitBytesPerSecond: number;
  /** Whether this device is announced on the local network, and looks for others there. */
  readonly discovery: 'automatic' | 'off';
}

/** What is left out of what the user picked. */
export interface SendOptions {
  readonly useGitignore: boolean;
  readonly leaveOutSecrets: boolean;
}

/** What would be sent. */
export interface PreviewSummary {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Left out by .gitignore; a folder counts once. */
  readonly ignored: number;
  /** Files whose names are those of well-known secrets: how many, and the first paths. */
  readonly secrets: { readonly count: number; readonly first: readonly string[] };
  /** Links and special files. */
  readonly specials: number;
  readonly unreadable: { readonly count: number; readonly first: readonly string[] };
  /** Names that not every system can store. */
  readonly refusedNames: { readonly count: number; readonly first: readonly string[] };
}
