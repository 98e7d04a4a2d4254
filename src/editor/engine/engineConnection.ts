import {
  CancellationTokenSource,
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Socket } from 'node:net';
import { clientNotifications, engineNotifications, requests } from '../../rpc/contract.ts';
import type { ExaminationProgress } from '../../rpc/doctorModel.ts';
import type { StateChange } from '../../rpc/model.ts';
import { localFailure, FailureError, parseFailure } from '../model/editorFailure.ts';
import type { CallOptions, ParamsOf, RequestName, ResultOf } from './calls.ts';

export { ENDPOINT_FILE, READY_LINE, RPC_VERSION } from '../../rpc/contract.ts';

/** Six digits to put before the user, for the `pairByCode` of that id. */
export interface CodeQuestion {
  readonly id: string;
  readonly code: string;
}

export interface EngineEvents {
  stateChanged(change: StateChange): void;
  promptOffer(id: string): void;
  compareCode(question: CodeQuestion): void;
  examined(progress: ExaminationProgress): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void;
  /** Once; not after {@link EngineConnection.dispose}. */
  ended(): void;
}

/** One connection to the engine, from its first byte to its end. Loaded with the library that it needs. */
export class EngineConnection {
  readonly #connection: MessageConnection;
  readonly #socket: Socket;
  #isOver = false;

  constructor(socket: Socket, events: EngineEvents) {
    this.#socket = socket;
    const reader = new SocketMessageReader(socket);
    // Its timer for half a message would run for ever after the engine has gone.
    reader.partialMessageTimeout = 0;
    this.#connection = createMessageConnection(reader, new SocketMessageWriter(socket));
    const connection = this.#connection;
    connection.onNotification(engineNotifications.stateChanged, (change) => events.stateChanged(change));
    connection.onNotification(engineNotifications.promptOffer, ({ id }) => events.promptOffer(id));
    connection.onNotification(engineNotifications.compareCode, (question) => events.compareCode(question));
    connection.onNotification(engineNotifications.examined, (progress) => events.examined(progress));
    connection.onNotification(engineNotifications.log, ({ level, text }) => events.log(level, text));
    // An error of the socket is followed by its end.
    connection.onError(() => undefined);
    connection.onClose(() => {
      if (this.#isOver) return;
      this.dispose();
      events.ended();
    });
    connection.listen();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Asks the engine; throws a {@link FailureError}. */
  async call<Name extends RequestName>(
    name: Name,
    params: ParamsOf<Name>,
    { signal }: CallOptions = {},
  ): Promise<ResultOf<Name>> {
    if (this.#isOver) throw localFailure('engine-unavailable', 'the connection has ended');
    const source = new CancellationTokenSource();
    const cancel = (): void => source.cancel();
    signal?.addEventListener('abort', cancel);
    if (signal?.aborted === true) source.cancel();
    try {
      const { method } = requests[name];
      return await (params === undefined
        ? this.#connection.sendRequest<ResultOf<Name>>(method, source.token)
        : this.#connection.sendRequest<ResultOf<Name>>(method, params, source.token));
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      signal?.removeEventListener('abort', cancel);
      source.dispose();
    }
  }

  notifyFocused(): void {
    this.#forget(this.#connection.sendNotification(clientNotifications.focused));
  }

  notifyWorkspace(workspaceFolders: readonly string[]): void {
    this.#forget(
      this.#connection.sendNotification(clientNotifications.workspaceChanged, { workspaceFolders }),
    );
  }

  notifyPeersShown(isShown: boolean): void {
    this.#forget(this.#connection.sendNotification(clientNotifications.peersShown, { isShown }));
  }

  dispose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.dispose();
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  /** A notification that does not arrive is told by the connection's end. */
  #forget(sent: Promise<void>): void {
    sent.catch(() => undefined);
  }

  #failure(error: unknown, signal: AbortSignal | undefined): FailureError {
    if (signal?.aborted === true) return localFailure('cancelled', '', error);
    if (error instanceof ResponseError) {
      const failure = parseFailure(error.data);
      if (failure !== undefined) return new FailureError(failure, { cause: error });
    }
    if (this.#isOver) return localFailure('engine-unavailable', 'the connection has ended', error);
    return localFailure('internal', error instanceof Error ? error.message : String(error), error);
  }
}
