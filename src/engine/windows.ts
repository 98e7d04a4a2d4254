import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { LinePace } from '../base/linePace.ts';
import type { Identity } from '../node/identity/identity.ts';
import { createIdentity, parseIdentity } from '../node/identity/identityText.ts';
import { clientNotifications, engineNotifications, requests, RPC_VERSION } from '../rpc/contract.ts';
import type { Endpoint, HelloResult, IdentityText } from '../rpc/contract.ts';
import type { EngineSettings, StateChange } from '../rpc/model.ts';
import { CodeQuestions } from './codeQuestions.ts';
import type { Courier } from './courier.ts';
import { isToken } from './endpoint.ts';
import { rpcSchemas } from './rpcSchemas.ts';
import { WindowConnection } from './windowConnection.ts';

export interface WindowsInit {
  readonly endpoint: Endpoint;
  readonly version: string;
  readonly clock: Clock;
  /** The first window brings the settings; all later ones have the same. */
  readonly courier: (settings: EngineSettings) => Courier;
  /** The last one has left, or none came: the process ends. */
  readonly onIdle: () => void;
  /** A newer client wants to take over. */
  readonly onHandOver: () => void;
}

/** How long the engine outlives its last window: over a reload, and not long enough to be in the way. */
const IDLE_MS = 10_000;
/** How long a client may take to say who it is. */
const HELLO_MS = 10_000;
/** Clients that may be about to say who they are; one more is sent away. */
const MOST_UNADMITTED = 64;

interface Window {
  readonly id: string;
  readonly connection: WindowConnection;
  workspaceFolders: readonly string[];
  showsPeers: boolean;
  focusedAt: number;
  /** A snapshot is on its way to it. */
  isBeingTold: boolean;
  /** The latest of each section that it has missed meanwhile. */
  missed: StateChange | undefined;
}

/** The windows that are attached to this engine, and what they ask of it. */
export class Windows {
  // Immutable.
  readonly #init: WindowsInit;
  readonly #surprises: LinePace;

  // Mutable.
  readonly #windows = new Set<Window>();
  #unadmitted = 0;
  /** Which window was asked to put an offer before its user. */
  readonly #prompted = new Map<string, Window>();
  #courier: Courier | undefined;
  /** The identity, if this engine has made it. */
  #made: IdentityText | undefined;
  #disarmIdle: () => void;

  constructor(init: WindowsInit) {
    this.#init = init;
    this.#surprises = new LinePace(init.clock, (kind, count) => {
      this.log('error', `${kind}: … and ${count} more like it`);
    });
    this.#disarmIdle = this.#armIdle();
  }

  get workspaceFolders(): readonly string[] {
    return [...this.#windows].flatMap((window) => window.workspaceFolders);
  }

  /** Somebody has connected. */
  attach(socket: Socket): void {
    if (this.#unadmitted >= MOST_UNADMITTED) {
      socket.destroy();
      return;
    }
    const { clock, version, courier } = this.#init;
    this.#unadmitted += 1;
    let window: Window | undefined;
    const tooLate = clock.schedule(HELLO_MS, () => connection.close());
    const connection = new WindowConnection(socket, {
      onClose: () => {
        tooLate();
        if (window === undefined) this.#unadmitted -= 1;
        else this.#detach(window);
      },
      onSurprise: (error) => this.#tellSurprise(error),
    });
    connection.answer(requests.hello, rpcSchemas.hello, (hello): HelloResult => {
      if (window !== undefined || !isToken(hello.token, this.#init.endpoint)) {
        connection.closeSoon();
        throw new RangeError('a hello that is not welcome');
      }
      this.#courier ??= courier(hello.settings);
      tooLate();
      this.#unadmitted -= 1;
      connection.admit();
      window = {
        id: hello.window,
        connection,
        workspaceFolders: hello.workspaceFolders,
        showsPeers: false,
        focusedAt: clock.now(),
        isBeingTold: false,
        missed: undefined,
      };
      this.#serve(window, this.#courier);
      return {
        rpcVersion: RPC_VERSION,
        version,
        pid: process.pid,
        needsIdentity: this.#courier.identity === undefined,
        state: this.#courier.state,
      };
    });
    connection.listen();
  }

  /** Tells every window. */
  publish(change: StateChange): void {
    for (const window of this.#windows) void this.#show(window, change);
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void {
    for (const { connection } of this.#windows) {
      void connection.tell(engineNotifications.log, { level, text });
    }
  }

  /** Has the window that had focus last put an offer before its user. */
  prompt(id: string): void {
    const [latest] = [...this.#windows].toSorted((left, right) => right.focusedAt - left.focusedAt);
    if (latest === undefined) return;
    this.#prompted.set(id, latest);
    void latest.connection.tell(engineNotifications.promptOffer, { id });
  }

  /** A window that does not read, because it hangs or is being debugged, is told the latest once it does. */
  async #show(window: Window, change: StateChange): Promise<void> {
    if (window.isBeingTold) {
      window.missed = { ...window.missed, ...change };
      return;
    }
    window.isBeingTold = true;
    await window.connection.tell(engineNotifications.stateChanged, change);
    window.isBeingTold = false;
    const { missed } = window;
    window.missed = undefined;
    if (missed !== undefined && this.#windows.has(window)) void this.#show(window, missed);
  }

  #tellSurprise(error: unknown): void {
    const [kind, text] =
      error instanceof Error ? [error.message, error.stack ?? error.message] : ['no error', String(error)];
    if (this.#surprises.passes(kind)) this.log('error', text);
  }

  #detach(window: Window): void {
    this.#windows.delete(window);
    this.#watchPeers();
    this.#promptOrphans();
    if (this.#windows.size === 0) {
      this.#disarmIdle();
      this.#disarmIdle = this.#armIdle();
    }
  }

  #watchPeers(): void {
    this.#courier?.watchPeers([...this.#windows].some(({ showsPeers }) => showsPeers));
  }

  #armIdle(): () => void {
    return this.#init.clock.schedule(IDLE_MS, () => {
      try {
        this.#courier?.leave();
      } finally {
        this.#init.onIdle();
      }
    });
  }

  /** Offers whose window has gone are put before another one. */
  #promptOrphans(): void {
    for (const id of this.#courier?.pendingOffers ?? []) {
      const window = this.#prompted.get(id);
      if (window === undefined || !this.#windows.has(window)) this.prompt(id);
    }
  }

  #serve(window: Window, courier: Courier): void {
    const { connection } = window;
    this.#disarmIdle();
    this.#windows.add(window);
    this.#serveDevice(connection, courier);
    this.#servePeers(connection, courier);
    this.#serveTransfers(window, courier);
    connection.hear(clientNotifications.focused, rpcSchemas.anything, () => {
      window.focusedAt = this.#init.clock.now();
    });
    connection.hear(clientNotifications.workspaceChanged, rpcSchemas.workspaceChanged, (changed) => {
      window.workspaceFolders = changed.workspaceFolders;
    });
    connection.hear(clientNotifications.peersShown, rpcSchemas.peersShown, ({ isShown }) => {
      window.showsPeers = isShown;
      this.#watchPeers();
    });
    connection.answerPlain(requests.handOver, () => {
      // Said after the answer: when it has left, so has the answer.
      const last = { level: 'debug', text: 'the engine hands over to a newer one' };
      this.#init.clock.schedule(0, () => {
        void connection.tell(engineNotifications.log, last).then(this.#init.onHandOver);
      });
    });
    this.#promptOrphans();
  }

  #serveDevice(connection: WindowConnection, courier: Courier): void {
    connection.answer(requests.provideIdentity, rpcSchemas.provideIdentity, async ({ identity: text }) => {
      const given =
        text === undefined ? undefined : parseIdentity(text, 'the identity in the secret storage');
      if (given !== undefined) courier.identify(given);
      else if (courier.identity === undefined) this.#make(courier, await createIdentity());
      const { identity } = courier;
      if (identity === undefined) throw new RangeError('no identity');
      return { fingerprint: identity.fingerprint, made: given === undefined ? this.#made : undefined };
    });
    connection.answer(requests.configure, rpcSchemas.settings, (settings) => courier.configure(settings));
    connection.answerPlain(requests.startReceiver, async () => {
      await courier.startReceiver();
      return courier.receiver;
    });
    connection.answerPlain(requests.stopReceiver, () => courier.stopReceiver());
    connection.answerPlain(requests.createInvite, () => courier.createInvite());
    connection.answer(requests.useInvite, rpcSchemas.invite, ({ text }, signal) =>
      courier.useInvite(text, { signal }),
    );
    const questions = new CodeQuestions(connection);
    connection.answer(requests.pairByCode, rpcSchemas.pairByCode, ({ id, address }, signal) =>
      courier.pairByCode(address, { compare: (code, late) => questions.ask(id, code, late), signal }),
    );
    connection.answer(requests.answerCode, rpcSchemas.answerCode, ({ id, isSame }) =>
      questions.answer(id, isSame),
    );
    connection.answer(requests.lookUp, rpcSchemas.address, ({ address }, signal) =>
      courier.lookUp(address, { signal }),
    );
    connection.answer(requests.addPeer, rpcSchemas.newPeer, (peer) => courier.addPeer(peer));
    connection.answer(requests.examine, rpcSchemas.examine, ({ id, ...wish }, signal) =>
      courier.examine(wish, {
        version: this.#init.version,
        tell: (examination) => void connection.tell(engineNotifications.examined, { id, examination }),
        signal,
      }),
    );
  }

  #servePeers(connection: WindowConnection, courier: Courier): void {
    connection.answer(requests.renamePeer, rpcSchemas.renamePeer, ({ peer, name }) =>
      courier.renamePeer(peer, name),
    );
    connection.answer(requests.setPeerPolicy, rpcSchemas.setPeerPolicy, ({ peer, policy }) =>
      courier.setPeerPolicy(peer, policy),
    );
    connection.answer(requests.forgetPeer, rpcSchemas.peer, ({ peer }) => courier.forgetPeer(peer));
  }

  /** Another window may have been faster; then its identity is ours. */
  #make(courier: Courier, identity: Identity): void {
    if (courier.identity !== undefined) return;
    courier.identify(identity);
    this.#made = { certificate: identity.certificate, privateKey: identity.privateKey };
  }

  #serveTransfers({ id: window, connection }: Window, courier: Courier): void {
    connection.answer(requests.preview, rpcSchemas.preview, ({ paths, options }, signal) =>
      courier.preview(paths, options, { signal }),
    );
    connection.answerPlain(requests.makeOutbox, () => ({ folder: courier.makeOutbox() }));
    connection.answer(requests.discardOutbox, rpcSchemas.outbox, ({ folder }) =>
      courier.discardOutbox(folder),
    );
    connection.answer(requests.send, rpcSchemas.send, ({ paths, peer, options, outbox }) => ({
      id: courier.send({ paths, peer, options, outbox, window }),
    }));
    connection.answer(requests.share, rpcSchemas.share, ({ paths, options, outbox }) =>
      courier.share({ paths, options, outbox, window }),
    );
    connection.answer(requests.redeemShare, rpcSchemas.invite, ({ text }, signal) =>
      courier.redeemShare(text, { signal }),
    );
    connection.answer(requests.acceptOffer, rpcSchemas.acceptOffer, ({ id, ...choice }) =>
      courier.acceptOffer(id, choice),
    );
    connection.answer(requests.declineOffer, rpcSchemas.id, ({ id }) => courier.declineOffer(id));
    connection.answer(requests.pauseTransfer, rpcSchemas.id, ({ id }) => courier.pause(id));
    connection.answer(requests.resumeTransfer, rpcSchemas.id, ({ id }) => courier.resume(id));
    connection.answer(requests.cancelTransfer, rpcSchemas.id, ({ id }) => courier.cancel(id));
    connection.answer(requests.retryTransfer, rpcSchemas.id, ({ id }) => courier.retry(id));
    connection.answer(requests.removeTransfer, rpcSchemas.id, ({ id }) => courier.removeTransfer(id));
    connection.answer(requests.discardTransfer, rpcSchemas.id, ({ id }) => courier.discard(id));
    connection.answer(requests.removeReceived, rpcSchemas.id, ({ id }) => courier.removeReceived(id));
  }
}
