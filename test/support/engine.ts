/**
 * Runs the built engine as windows use it: real processes, a real local socket, real TLS between two of
 * them. An {@link EngineHome} is one user's storage; it ends what it started, by process id, when the
 * test is over. Whoever waits, waits for a snapshot that fits; the runner's limit is the deadline.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import {
  clientNotifications,
  ENDPOINT_FILE,
  engineNotifications,
  requests,
  RPC_VERSION,
} from '../../src/rpc/contract.ts';
import type { Endpoint, HelloResult, IdentityText } from '../../src/rpc/contract.ts';
import type { EngineSettings, EngineState, StateChange, TransferSummary } from '../../src/rpc/model.ts';
import type { Wrapping } from './wrappings.ts';

const program = resolve(import.meta.dirname, '../../dist/engine.js');

/** What is closed in the end: a test, or a run of the bench. */
export interface Scope {
  after(close: () => unknown): void;
}

/** One user's place: the engine's storage, a receive folder, files to send. */
export class EngineHome {
  readonly root: string;
  readonly storage: string;
  readonly received: string;
  settings: EngineSettings;
  /** As the editor's secret storage keeps it. */
  identity: IdentityText | undefined;
  readonly #processes: ChildProcess[] = [];
  readonly #windows: EngineWindow[] = [];

  constructor(t: Scope, settings: Partial<EngineSettings> = {}) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'pc-engine-')));
    this.storage = join(this.root, 'storage');
    this.received = join(this.root, 'received');
    this.settings = {
      receiveFolder: this.received,
      host: '127.0.0.1',
      port: 0,
      deviceName: 'a device',
      accept: 'ask',
      acceptLimitBytes: 0,
      compression: 'automatic',
      limitBytesPerSecond: 0,
      discovery: 'automatic',
      ...settings,
    };
    t.after(() => this.#close());
  }

  /** A folder for files of this user's. */
  folder(name: string): string {
    const folder = join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Starts a process and waits until somebody serves the endpoint. */
  async start(within: Wrapping = (command) => command): Promise<EngineProcess> {
    const [file = '', ...words] = within([process.execPath, program, '--storage', this.storage]);
    const child = spawn(file, words, {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((settle) => {
      child.once('close', settle);
    });
    const lines = createInterface({ input: child.stdout });
    const [line]: unknown[] = await Promise.race([
      once(lines, 'line'),
      ended.then((status) => [`ended with ${status}: ${stderr}`]),
    ]);
    assert.equal(line, 'ready');
    return { pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal) };
  }

  /** Attaches a window to the engine that runs; hands over the identity if it is asked for. */
  async attach(window = 'window', workspaceFolders: readonly string[] = []): Promise<EngineWindow> {
    const endpoint = this.endpoint();
    const socket = connect(endpoint.path);
    await once(socket, 'connect');
    const attached = new EngineWindow(socket);
    this.#windows.push(attached);
    const hello = await attached.connection.sendRequest(requests.hello, {
      token: endpoint.token,
      rpcVersion: RPC_VERSION,
      version: '0.0.0',
      window,
      settings: this.settings,
      workspaceFolders,
    });
    attached.welcome(hello);
    if (hello.needsIdentity) {
      const kept = await attached.connection.sendRequest(requests.provideIdentity, {
        identity: this.identity,
      });
      this.identity = kept.made ?? this.identity;
    }
    return attached;
  }

  endpoint(): Endpoint {
    // oxlint-disable-next-line typescript/no-unsafe-return -- written by the engine under test
    return JSON.parse(readFileSync(join(this.storage, ENDPOINT_FILE), 'utf8'));
  }

  async #close(): Promise<void> {
    for (const window of this.#windows) window.leave();
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

export interface EngineProcess {
  readonly pid: number;
  /** The exit status; `null` if a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** One attached window: what it is told, and what it asks. */
export class EngineWindow {
  readonly connection: MessageConnection;
  readonly prompts: string[] = [];
  readonly log: string[] = [];
  hello: HelloResult | undefined;
  readonly #socket: Socket;
  #state: EngineState | undefined;
  #wake = Promise.withResolvers<void>();
  #isOver = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new SocketMessageReader(socket);
    // As in the editor: its timer for half a message would run for ever after the engine has gone.
    reader.partialMessageTimeout = 0;
    this.connection = createMessageConnection(reader, new SocketMessageWriter(socket));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#isOver = true;
      // What was asked is answered no more.
      this.connection.dispose();
      this.#notify();
    });
    this.connection.onError(() => undefined);
    this.connection.onNotification(engineNotifications.stateChanged, (change: StateChange) => {
      assert.ok(this.#state, 'a change before the hello was answered');
      this.#state = { ...this.#state, ...change };
      this.#notify();
    });
    this.connection.onNotification(engineNotifications.promptOffer, ({ id }) => {
      this.prompts.push(id);
      this.#notify();
    });
    this.connection.onNotification(engineNotifications.log, ({ text }) => {
      this.log.push(text);
    });
    this.connection.listen();
  }

  welcome(hello: HelloResult): void {
    this.hello = hello;
    this.#state = hello.state;
  }

  get state(): EngineState {
    assert.ok(this.#state);
    return this.#state;
  }

  focus(): Promise<void> {
    return this.connection.sendNotification(clientNotifications.focused);
  }

  /** The engine has closed the connection, or is gone. */
  async gone(): Promise<void> {
    while (!this.#isOver) await this.#wake.promise;
  }

  /** Waits until something is to be found. */
  async find<Found>(what: string, look: (state: EngineState) => Found | undefined | false): Promise<Found> {
    for (;;) {
      const found = look(this.state);
      if (found !== undefined && found !== false) return found;
      if (this.#isOver) throw new Error(`the engine ended before: ${what}; ${this.log.join('; ')}`);
      await this.#wake.promise;
    }
  }

  /** The only transfer, once it fits. */
  transfer(what: string, fits: (transfer: TransferSummary) => boolean): Promise<TransferSummary> {
    return this.find(what, ({ transfers }) => transfers.find(fits));
  }

  /** The id of an offer that this window was asked to put before its user. */
  prompted(at = 0): Promise<string> {
    return this.find(`prompt ${at}`, () => this.prompts[at]);
  }

  leave(): void {
    this.#socket.destroy();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = Promise.withResolvers();
    wake.resolve();
  }
}

/** Sends everything below the paths; returns the transfer's id. */
export async function send(window: EngineWindow, peer: string, ...paths: string[]): Promise<string> {
  const { id } = await window.connection.sendRequest(requests.send, {
    paths,
    peer,
    options: { useGitignore: false, leaveOutSecrets: false },
    outbox: undefined,
  });
  return id;
}

/** Accepts an offer once this window is asked about it, into `folder` or where offers go. */
export async function accept(window: EngineWindow, id: string, folder?: string): Promise<void> {
  await window.find('the prompt', () => window.prompts.includes(id));
  await window.connection.sendRequest(requests.acceptOffer, { id, folder, onConflict: 'keep-both' });
}

/** Two homes whose engines run and know each other; `a` has used an invite of `b`. */
export async function pairedHomes(
  t: Scope,
  settings: { readonly a?: Partial<EngineSettings>; readonly b?: Partial<EngineSettings> } = {},
): Promise<{
  readonly a: EngineHome;
  readonly b: EngineHome;
  readonly engineA: EngineProcess;
  readonly engineB: EngineProcess;
  readonly windowA: EngineWindow;
  readonly windowB: EngineWindow;
  /** B's fingerprint. */
  readonly peer: string;
}> {
  const a = new EngineHome(t, { deviceName: 'Anna', ...settings.a });
  const b = new EngineHome(t, { deviceName: 'Boris', ...settings.b });
  const [engineA, engineB] = await Promise.all([a.start(), b.start()]);
  const [windowA, windowB] = await Promise.all([a.attach(), b.attach()]);
  await windowB.connection.sendRequest(requests.startReceiver);
  const { text } = await windowB.connection.sendRequest(requests.createInvite);
  const { fingerprint } = await windowA.connection.sendRequest(requests.useInvite, { text });
  return { a, b, engineA, engineB, windowA, windowB, peer: fingerprint };
}
