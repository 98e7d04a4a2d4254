import { EventEmitter } from 'vscode';
import type { Disposable, Event } from 'vscode';
import type { ExaminationProgress } from '../../rpc/doctorModel.ts';
import type { Log } from '../log.ts';
import { failureOf, isCancelled, localFailure } from '../model/editorFailure.ts';
import { hasEnded } from '../model/transferView.ts';
import type { StateStore } from '../state.ts';
import type { Attached, AttachOptions } from './attach.ts';
import type { CallOptions, ParamsOf, RequestName, ResultOf } from './calls.ts';
import type { CodeQuestion, EngineConnection, EngineEvents } from './engineConnection.ts';
import type { IdentityKeeper } from './identityKeeper.ts';

const RECONNECT_PAUSES_MS = [100, 1000, 3000, 10_000, 30_000];

export interface EngineClientOptions {
  readonly state: StateStore;
  readonly log: Log;
  readonly identity: IdentityKeeper;
  readonly program: string;
  readonly storage: string;
  /** What this window says of itself, at the moment of asking. */
  readonly hello: () => AttachOptions['hello'];
}

/** What only a person can be told. */
export type EngineNews =
  /** The engine ended unasked and runs again. */
  | { readonly kind: 'restarted' }
  /** … and cannot be started again. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** This device has another identity than before. */
  | { readonly kind: 'identity-changed' };

/**
 * This window's end of the engine: connects when it is first needed, starts the engine if nobody has, and
 * connects again by itself when it ends while something is going on. Owned by the entry file.
 */
export class EngineClient implements Disposable {
  // Immutable.
  readonly #options: EngineClientOptions;
  readonly #news = new EventEmitter<EngineNews>();
  readonly #offers = new EventEmitter<string>();
  readonly #codes = new EventEmitter<CodeQuestion>();
  readonly #examinations = new EventEmitter<ExaminationProgress>();
  readonly onNews: Event<EngineNews> = this.#news.event;
  /** This window is the one to ask the user about that offer. */
  readonly onPromptOffer: Event<string> = this.#offers.event;
  /** A code that the user is to compare. */
  readonly onCompareCode: Event<CodeQuestion> = this.#codes.event;
  /** What an examination has found so far. */
  readonly onExamined: Event<ExaminationProgress> = this.#examinations.event;

  // Mutable.
  #connection: EngineConnection | undefined;
  #connecting: Promise<Attached | undefined> | undefined;
  #showsPeers = false;
  #isDisposed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EngineClientOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects, starting the engine if there is none. Resolves to whether this window has started it. */
  async connect(): Promise<boolean> {
    const attached = await this.#attached({ mayStart: true });
    return attached?.hasStarted ?? false;
  }

  /** Connects to an engine that runs already; `false` if none does. */
  async connectIfRunning(): Promise<boolean> {
    return this.isConnected || (await this.#attached({ mayStart: false })) !== undefined;
  }

  /** Asks the engine, connecting first if need be; throws a `FailureError`. */
  async call<Name extends RequestName>(
    name: Name,
    params: ParamsOf<Name>,
    options: CallOptions = {},
  ): Promise<ResultOf<Name>> {
    if (this.#connection === undefined) await this.connect();
    const connection = this.#connection;
    if (connection === undefined) throw localFailure('engine-unavailable');
    return connection.call(name, params, options);
  }

  notifyFocused(): void {
    this.#connection?.notifyFocused();
  }

  notifyWorkspace(workspaceFolders: readonly string[]): void {
    this.#connection?.notifyWorkspace(workspaceFolders);
  }

  /** Whether this window shows the peers: the engine looks who is there meanwhile, and so does its successor. */
  notifyPeersShown(isShown: boolean): void {
    this.#showsPeers = isShown;
    this.#connection?.notifyPeersShown(isShown);
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#connection?.dispose();
    this.#connection = undefined;
    this.#news.dispose();
    this.#offers.dispose();
    this.#codes.dispose();
    this.#examinations.dispose();
  }

  async #attached({ mayStart }: { readonly mayStart: boolean }): Promise<Attached | undefined> {
    if (this.#isDisposed) throw localFailure('engine-unavailable', 'the window is closing');
    if (this.#connection !== undefined) return undefined;
    if (this.#connecting !== undefined) {
      const attached = await this.#connecting;
      if (attached !== undefined || !mayStart) return attached;
      return this.#attached({ mayStart });
    }
    this.#connecting = this.#attach(mayStart);
    try {
      return await this.#connecting;
    } finally {
      this.#connecting = undefined;
    }
  }

  async #attach(mayStart: boolean): Promise<Attached | undefined> {
    const { state, log, program, storage, hello } = this.#options;
    if (mayStart) state.setLink('starting');
    try {
      const { whenNeeded } = await import('../whenNeeded.ts');
      const attached = await whenNeeded.attach(
        { program, storage, mayStart, hello: hello(), log: (text) => log.info(text.trimEnd()) },
        this.#events(),
      );
      if (attached === undefined) return undefined;
      if (this.#isDisposed) {
        attached.connection.dispose();
        throw localFailure('engine-unavailable', 'the window is closing');
      }
      const { connection, greeting } = attached;
      state.apply(greeting.state);
      await this.#identify(connection, greeting.needsIdentity);
      if (connection.isOver) throw localFailure('engine-unavailable', 'the engine ended at once');
      this.#connection = connection;
      if (this.#showsPeers) connection.notifyPeersShown(true);
      state.setLink('ready');
      log.info(`connected to engine ${greeting.version}, process ${greeting.pid}`);
      return attached;
    } catch (error) {
      state.setLink('failed');
      log.error(`no engine: ${failureOf(error).detail}`);
      throw error;
    }
  }

  async #identify(connection: EngineConnection, needsIdentity: boolean): Promise<void> {
    const { identity, state } = this.#options;
    let { fingerprint } = state.current.device;
    if (needsIdentity) {
      const provided = await connection.call('provideIdentity', { identity: await identity.load() });
      if (provided.made !== undefined) await identity.save(provided.made);
      ({ fingerprint } = provided);
    }
    if (fingerprint !== undefined && (await identity.noteFingerprint(fingerprint))) {
      this.#news.fire({ kind: 'identity-changed' });
    }
  }

  #events(): EngineEvents {
    const { state, log } = this.#options;
    return {
      stateChanged: (change) => state.apply(change),
      promptOffer: (id) => this.#offers.fire(id),
      compareCode: (question) => this.#codes.fire(question),
      examined: (progress) => this.#examinations.fire(progress),
      log: (level, text) => log[level](text),
      ended: () => this.#ended(),
    };
  }

  #ended(): void {
    const { state, log } = this.#options;
    this.#connection = undefined;
    if (this.#isDisposed) return;
    const { receiver, transfers } = state.current;
    const wasReceiving = receiver.state === 'listening' || receiver.state === 'starting';
    const wasBusy = wasReceiving || transfers.some((transfer) => !hasEnded(transfer));
    log.warn('the engine ended');
    state.setLink('none');
    state.apply({ receiver: { state: 'off' }, nearby: [] });
    if (wasBusy) this.#reconnectLater(0, wasReceiving);
  }

  #reconnectLater(attempt: number, startReceiver: boolean): void {
    this.#timer = setTimeout(() => {
      this.#reconnect(startReceiver).catch((error: unknown) => {
        if (this.#isDisposed || isCancelled(error)) return;
        if (attempt + 1 < RECONNECT_PAUSES_MS.length) this.#reconnectLater(attempt + 1, startReceiver);
        else this.#news.fire({ kind: 'lost', error });
      });
    }, RECONNECT_PAUSES_MS[attempt]);
  }

  async #reconnect(startReceiver: boolean): Promise<void> {
    await this.connect();
    if (startReceiver && this.#options.state.current.receiver.state === 'off') {
      await this.call('startReceiver', undefined);
    }
    this.#news.fire({ kind: 'restarted' });
  }
}
