import { NotificationType, NotificationType0, RequestType, RequestType0 } from 'vscode-jsonrpc';
import type { Examination } from '../doctor/report.ts';
import type { ExaminationProgress, ExamineParams } from './doctorModel.ts';
import type {
  EngineSettings,
  EngineState,
  Failure,
  PeerPolicy,
  PeerSummary,
  PreviewSummary,
  ReceiverStatus,
  SendOptions,
  SharedSummary,
  StateChange,
} from './model.ts';

/**
 * The contract between the engine and its clients: JSON-RPC over a local socket. A client's first request
 * is `hello`, of at most 256 KiB; anything before it is refused, whatever follows it before it is answered ends the
 * connection, and who says nothing is not waited for. Decisions are requests, state flows as sampled snapshots,
 * cancelling a request uses the protocol's own cancellation. A request that fails carries a {@link Failure} as its
 * error's data.
 */

/** Raised with every change that an older client or engine would not understand. */
export const RPC_VERSION = 1;

/** The file in the engine's storage folder, mode 0600, that says how to reach it. */
export const ENDPOINT_FILE = 'endpoint.json';

/** What that file holds. */
export interface Endpoint {
  /** A socket's path, or a named pipe's. */
  readonly path: string;
  /** Shows that a client may read the user's files. */
  readonly token: string;
}

/** The line an engine prints when somebody serves the endpoint: itself, or the one that was faster. */
export const READY_LINE = 'ready';

export interface HelloParams {
  readonly token: string;
  readonly rpcVersion: number;
  /** Of the extension. */
  readonly version: string;
  /** Made up by the window, kept while it lives, over reloads too. */
  readonly window: string;
  readonly settings: EngineSettings;
  /** Absolute paths of the workspace folders that are open in the window and lie on this machine. */
  readonly workspaceFolders: readonly string[];
}

export interface HelloResult {
  readonly rpcVersion: number;
  readonly version: string;
  readonly pid: number;
  /** The engine has no identity yet: hand it over before anything else. */
  readonly needsIdentity: boolean;
  readonly state: EngineState;
}

/** A key pair and its certificate, as PEM. */
export interface IdentityText {
  readonly certificate: string;
  readonly privateKey: string;
}

export const requests = {
  hello: new RequestType<HelloParams, HelloResult, Failure>('hello'),
  /**
   * Hands over the identity from the editor's secret storage. Without one the engine makes a new one and
   * gives it back to be kept; with two windows at once the first one's counts and both get that. An
   * identity that a window has handed over is never given to anybody.
   */
  provideIdentity: new RequestType<
    { readonly identity: IdentityText | undefined },
    { readonly fingerprint: string; readonly made: IdentityText | undefined },
    Failure
  >('provideIdentity'),
  configure: new RequestType<EngineSettings, void, Failure>('configure'),
  startReceiver: new RequestType0<ReceiverStatus, Failure>('startReceiver'),
  stopReceiver: new RequestType0<void, Failure>('stopReceiver'),
  /** The receiver must be listening. */
  createInvite: new RequestType0<{ readonly text: string; readonly expiresAtMs: number }, Failure>(
    'createInvite',
  ),
  /** Connects to the peer that made the invite and pairs with it. */
  useInvite: new RequestType<{ readonly text: string }, PeerSummary, Failure>('useInvite'),
  /**
   * Pairs with a device whose user compares a code with ours: with the one at `address`, or, without one, with the
   * first that dials; then the receiver must be on. Before it is answered, the engine asks the window to put the code
   * before its user with `compareCode`, under the same `id`, and waits for `answerCode`.
   */
  pairByCode: new RequestType<
    { readonly id: string; readonly address: string | undefined },
    PeerSummary,
    Failure
  >('pairByCode'),
  /** Whether the other device shows the same code; without an answer it does not. */
  answerCode: new RequestType<{ readonly id: string; readonly isSame: boolean }, void, Failure>('answerCode'),
  /** Which key answers at an address; nothing is trusted by asking. */
  lookUp: new RequestType<
    { readonly address: string },
    { readonly address: string; readonly fingerprint: string; readonly knownAs: string | undefined },
    Failure
  >('lookUp'),
  /** The user has compared the fingerprint with the one that the peer's own editor shows. */
  addPeer: new RequestType<
    { readonly address: string; readonly fingerprint: string; readonly name: string },
    PeerSummary,
    Failure
  >('addPeer'),
  preview: new RequestType<
    { readonly paths: readonly string[]; readonly options: SendOptions },
    PreviewSummary,
    Failure
  >('preview'),
  /** A new empty folder for copies of files that are not on this machine; goes with its transfer. */
  makeOutbox: new RequestType0<{ readonly folder: string }, Failure>('makeOutbox'),
  /** Removes an outbox whose transfer never came to be. */
  discardOutbox: new RequestType<{ readonly folder: string }, void, Failure>('discardOutbox'),
  /** Begins a transfer and returns at once. */
  send: new RequestType<
    {
      readonly paths: readonly string[];
      /** The fingerprint of a known peer. */
      readonly peer: string;
      readonly options: SendOptions;
      /** If `paths` lie in an outbox: that, to be removed when the transfer has ended. */
      readonly outbox: string | undefined;
    },
    { readonly id: string },
    Failure
  >('send'),
  acceptOffer: new RequestType<
    {
      readonly id: string;
      /** Absent: the one that the offer named. */
      readonly folder: string | undefined;
      readonly onConflict: 'skip' | 'keep-both' | 'replace';
    },
    void,
    Failure
  >('acceptOffer'),
  declineOffer: new RequestType<{ readonly id: string }, void, Failure>('declineOffer'),
  pauseTransfer: new RequestType<{ readonly id: string }, void, Failure>('pauseTransfer'),
  /** Goes on with a paused transfer; an outgoing one that is interrupted is tried again now. */
  resumeTransfer: new RequestType<{ readonly id: string }, void, Failure>('resumeTransfer'),
  /** Ends a transfer; what an incoming one had received and not published is removed. */
  cancelTransfer: new RequestType<{ readonly id: string }, void, Failure>('cancelTransfer'),
  /** Begins an outgoing transfer that has ended badly once more. */
  retryTransfer: new RequestType<{ readonly id: string }, void, Failure>('retryTransfer'),
  /**
   * Gives up a transfer, whatever its state, and takes it off the list. Of an incoming one what is held and not
   * published is removed, and the agreement to it.
   */
  discardTransfer: new RequestType<{ readonly id: string }, void, Failure>('discardTransfer'),
  /** Takes a transfer that has ended off the list. */
  removeTransfer: new RequestType<{ readonly id: string }, void, Failure>('removeTransfer'),
  /** Takes an item off the history; files stay. */
  removeReceived: new RequestType<{ readonly id: string }, void, Failure>('removeReceived'),
  /** Gives a known peer another name, which no other one may have. `peer` is a fingerprint here and below. */
  renamePeer: new RequestType<{ readonly peer: string; readonly name: string }, PeerSummary, Failure>(
    'renamePeer',
  ),
  /** What a known peer may do. Blocking it ends what runs with it. */
  setPeerPolicy: new RequestType<
    { readonly peer: string; readonly policy: PeerPolicy },
    PeerSummary,
    Failure
  >('setPeerPolicy'),
  /**
   * Makes a known peer a stranger. Transfers with it that have not ended are given up, on the disk, too; what has
   * arrived stays, and so does the history.
   */
  forgetPeer: new RequestType<{ readonly peer: string }, void, Failure>('forgetPeer'),
  /**
   * Offers something to whoever redeems the invite that comes back, by dialling this device; turns the receiver on for
   * that. The transfer is in the list from now on, and ends by itself if nobody has come in time.
   */
  share: new RequestType<
    {
      readonly paths: readonly string[];
      readonly options: SendOptions;
      /** As in `send`. */
      readonly outbox: string | undefined;
    },
    SharedSummary,
    Failure
  >('share'),
  /**
   * Dials whoever made an invite to something that is shared, and pairs with it. What it offers is put before the user
   * as every offer is: this accepts nothing.
   */
  redeemShare: new RequestType<{ readonly text: string }, PeerSummary, Failure>('redeemShare'),
  /** Asks an older engine to end, so that a newer one can take over where it stops. */
  handOver: new RequestType0<void, Failure>('handOver'),
  /**
   * Finds out what stands between this device and a peer. Meanwhile what is known is told with `examined`, under the
   * same `id`.
   */
  examine: new RequestType<ExamineParams, Examination, Failure>('examine'),
} as const;

/** From the engine to its clients. */
export const engineNotifications = {
  stateChanged: new NotificationType<StateChange>('stateChanged'),
  /** Sent to the window that had focus last: ask the user about this offer. */
  promptOffer: new NotificationType<{ readonly id: string }>('promptOffer'),
  /** To the window that is pairing: six digits to compare. When its `pairByCode` is answered, it is too late. */
  compareCode: new NotificationType<{ readonly id: string; readonly code: string }>('compareCode'),
  log: new NotificationType<{ readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly text: string }>(
    'log',
  ),
  /** To the window that asked with `examine`. */
  examined: new NotificationType<ExaminationProgress>('examined'),
} as const;

/** From a client to the engine. */
export const clientNotifications = {
  focused: new NotificationType0('focused'),
  workspaceChanged: new NotificationType<{ readonly workspaceFolders: readonly string[] }>(
    'workspaceChanged',
  ),
  /** Whether the window shows the peers: then the engine looks who is there. */
  peersShown: new NotificationType<{ readonly isShown: boolean }>('peersShown'),
} as const;
