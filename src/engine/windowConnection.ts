import type { Socket } from 'node:net';
import * as v from 'valibot';
import { createMessageConnection, ResponseError, SocketMessageWriter } from 'vscode-jsonrpc/node';
import type { CancellationToken, MessageConnection, RequestType, RequestType0 } from 'vscode-jsonrpc/node';
import type { Failure } from '../rpc/model.ts';
import { BoundedReader } from './boundedReader.ts';
import { Gone } from './gone.ts';
import { failureOfError } from './transferView.ts';

/** One client's connection: parses what comes in, and turns errors into failures that clients understand. */
export class WindowConnection {
  readonly #connection: MessageConnection;
  readonly #reader: BoundedReader;
  readonly #socket: Socket;
  /** The client is gone. */
  readonly #over = new AbortController();
  readonly #onSurprise: (error: unknown) => void;

  constructor(
    socket: Socket,
    {
      onClose,
      onSurprise,
    }: {
      readonly onClose: () => void;
      /** A request failed for a reason that nobody foresaw. */
      readonly onSurprise: (error: unknown) => void;
    },
  ) {
    this.#onSurprise = onSurprise;
    this.#socket = socket;
    this.#reader = new BoundedReader(socket);
    this.#connection = createMessageConnection(this.#reader, new SocketMessageWriter(socket));
    this.#connection.onClose(() => {
      this.#over.abort();
      onClose();
    });
    // A connection that breaks closes, too.
    this.#connection.onError(() => socket.destroy());
    socket.on('error', () => socket.destroy());
  }

  listen(): void {
    this.#connection.listen();
  }

  /** The client has said who it is: it may say more than that, and longer things. */
  admit(): void {
    this.#reader.admit();
  }

  /** Answers a request. The signal: the client does not want to know any more, or is gone. */
  answer<Params, Result, Parsed>(
    type: RequestType<Params, Result, Failure>,
    schema: v.GenericSchema<unknown, Parsed>,
    work: (params: Parsed, signal: AbortSignal) => Result | Promise<Result>,
  ): void {
    this.#connection.onRequest<unknown, Failure>(type.method, (params: unknown, token: CancellationToken) =>
      this.#answerWith(async () => work(v.parse(schema, params), this.#signalOf(token))),
    );
  }

  answerPlain<Result>(
    type: RequestType0<Result, Failure>,
    work: (signal: AbortSignal) => Result | Promise<Result>,
  ): void {
    this.#connection.onRequest<unknown, Failure>(type.method, (token: CancellationToken) =>
      this.#answerWith(async () => work(this.#signalOf(token))),
    );
  }

  hear<Parsed>(
    { method }: { readonly method: string },
    schema: v.GenericSchema<unknown, Parsed>,
    work: (params: Parsed) => void,
  ): void {
    this.#connection.onNotification(method, (params: unknown) => {
      const parsed = v.safeParse(schema, params);
      if (parsed.success) work(parsed.output);
    });
  }

  /** Resolves when it has left. What cannot be delivered is not missed: the client is gone. */
  tell({ method }: { readonly method: string }, params: object): Promise<void> {
    return this.#connection.sendNotification(method, params).catch(() => undefined);
  }

  #signalOf(token: CancellationToken): AbortSignal {
    const controller = new AbortController();
    if (token.isCancellationRequested) controller.abort();
    token.onCancellationRequested(() => controller.abort());
    return AbortSignal.any([controller.signal, this.#over.signal]);
  }

  async #answerWith(work: () => Promise<unknown>): Promise<unknown> {
    try {
      return await work();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'internal') this.#onSurprise(error);
      return new ResponseError(REQUEST_FAILED, failure.code, failure);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Ends it after what was said so far has left. */
  closeSoon(): void {
    setImmediate(() => this.#socket.end());
  }
}

/** As in the language server protocol: a request that was valid and could not be fulfilled. */
const REQUEST_FAILED = -32_803;

function failureOf(error: unknown): Failure {
  if (error instanceof Gone) return { code: 'gone', detail: '', origin: 'local' };
  if (error instanceof v.ValiError) return { code: 'internal', detail: error.message, origin: 'local' };
  return failureOfError(error);
}
