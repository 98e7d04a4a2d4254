/** What two engines need for something big: real processes, as editors start them, on loopback. */
import { linkSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { requests } from '../src/rpc/contract.ts';
import { accept, EngineHome, send } from '../test/support/engine.ts';
import type { EngineProcess, EngineWindow, Scope } from '../test/support/engine.ts';
import { makeManyNames, makeNoise, SMALL_FILE_BYTES } from './dataSets.ts';
import type { MemoryCase } from './figures.ts';
import { findDifference } from './identical.ts';
import { fileSystemOf } from './machine.ts';
import { peakBytesOf } from './proc.ts';

/** Something big. */
export interface MemoryLoad {
  readonly name: string;
  readonly title: string;
  /** So many engines send to so many others: more than one where one peer may not run all of it at once. */
  readonly senders: number;
  readonly receivers: number;
  /** Bytes of the disk, for what is made here and what arrives. */
  readonly needsBytes: number;
  /** Makes it in an empty folder. */
  readonly make: (folder: string) => Promise<{
    /** Sent at the same time, a transfer each. */
    readonly paths: readonly string[];
    readonly bytes: number;
    readonly files: number;
  }>;
}

const SPARSE_BYTES = 50e9;
const NAMES = 1_000_000;
/** What a name and a small file cost a memory disk, about. */
const NAME_NEEDS_BYTES = 5500;
const TRANSFERS = 20;
/** A receiver takes at most eight from one peer. */
const PEERS = 3;
const TRANSFER_BYTES = 256 * 1024 * 1024;
const LIMIT_MS = 60 * 60_000;

/** What memory is measured with; `scale` shortens it. */
export function memoryLoads(scale: number): readonly MemoryLoad[] {
  return [
    sparseFile(SPARSE_BYTES * scale),
    manyFiles(Math.ceil(NAMES * scale)),
    manyTransfers('sent', Math.ceil(TRANSFER_BYTES * scale)),
    manyTransfers('received', Math.ceil(TRANSFER_BYTES * scale)),
  ];
}

function sparseFile(bytes: number): MemoryLoad {
  return {
    name: 'file',
    title: `one file of ${bytes / 1e9} GB, all of it a hole`,
    senders: 1,
    receivers: 1,
    // What has no content takes no place on the disk, here or there.
    needsBytes: 0,
    make: (folder) => {
      const path = join(folder, 'sparse.bin');
      writeFileSync(path, '');
      truncateSync(path, bytes);
      return Promise.resolve({ paths: [path], bytes, files: 1 });
    },
  };
}

function manyFiles(count: number): MemoryLoad {
  return {
    name: 'files',
    title: `${count.toLocaleString('en-GB')} files of 1 KiB`,
    senders: 1,
    receivers: 1,
    needsBytes: count * NAME_NEEDS_BYTES,
    make: async (folder) => {
      const path = join(folder, 'files');
      await makeManyNames(path, count);
      return { paths: [path], bytes: count * SMALL_FILE_BYTES, files: count };
    },
  };
}

/** One engine sends, or receives, all of them; its peers are three. */
function manyTransfers(what: 'sent' | 'received', bytesEach: number): MemoryLoad {
  return {
    name: `transfers-${what}`,
    title: `${TRANSFERS} transfers ${what} at once, ${Math.round(bytesEach / 2 ** 20)} MiB each that do not compress`,
    senders: what === 'sent' ? 1 : PEERS,
    receivers: what === 'sent' ? PEERS : 1,
    needsBytes: (TRANSFERS + 1) * bytesEach,
    make: async (folder) => {
      const paths = Array.from({ length: TRANSFERS }, (_, number) => join(folder, `file${number}.bin`));
      const [first = '', ...others] = paths;
      await makeNoise(first, bytesEach);
      for (const path of others) linkSync(first, path);
      return { paths, bytes: TRANSFERS * bytesEach, files: TRANSFERS };
    },
  };
}

/** An engine, and a window that asks it. */
interface Engine {
  readonly home: EngineHome;
  readonly process: EngineProcess;
  readonly window: EngineWindow;
}

/** Sends it from engine to engine. All lies in the temporary folder, that of the engines included. */
export async function measureMemory(
  { name, title, senders, receivers, make }: MemoryLoad,
  {
    folder,
    commit,
    signal,
  }: { readonly folder: string; readonly commit: string; readonly signal: AbortSignal },
): Promise<MemoryCase> {
  const closers: (() => unknown)[] = [];
  const scope: Scope = { after: (close) => void closers.push(close) };
  const measuredAt = new Date().toISOString();
  mkdirSync(folder);
  const { paths, bytes, files } = await make(folder);
  try {
    const sending = await startEngines(scope, senders);
    const receiving = await startEngines(scope, receivers);
    const ways = await pairAll(sending, receiving);
    for (const { window } of receiving) void acceptAll(window);
    const begun = performance.now();
    const transfers = paths.map((path, number) => transfer(path, ways[number % ways.length]));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const ends = await Promise.race([Promise.all(transfers), untilAborted(limit)]);
    const seconds = (performance.now() - begun) / 1000;
    const [senderPeakBytes, receiverPeakBytes] = [peakOf(sending), peakOf(receiving)];
    const reasons = new Set(ends.filter((end) => end !== 'done'));
    for (const [number, path] of paths.entries()) {
      const arrived = join(ways[number % ways.length]?.to.home.received ?? '', basename(path));
      const difference = reasons.size > 0 ? undefined : await findDifference(path, arrived);
      if (difference !== undefined) reasons.add(`${basename(difference)} differs`);
    }
    const failed = reasons.size === 0 ? undefined : [...reasons].join(', ');
    const peaks = { senderPeakBytes, receiverPeakBytes };
    const disk = fileSystemOf(folder);
    return { name, title, bytes, files, seconds, ...peaks, disk, measuredAt, commit, failed };
  } finally {
    for (const close of closers) await close();
  }
}

function startEngines(scope: Scope, count: number): Promise<readonly Engine[]> {
  const engines = Array.from({ length: count }, async () => {
    const home = new EngineHome(scope, { accept: 'known' });
    const process = await home.start();
    return { home, process, window: await home.attach() };
  });
  return Promise.all(engines);
}

/** A way from one engine to another that knows it. */
interface Way {
  readonly from: Engine;
  readonly to: Engine;
  /** The receiver's fingerprint. */
  readonly peer: string;
}

async function pairAll(sending: readonly Engine[], receiving: readonly Engine[]): Promise<readonly Way[]> {
  const ways: Way[] = [];
  for (const to of receiving) {
    await to.window.connection.sendRequest(requests.startReceiver);
    for (const from of sending) {
      const { text } = await to.window.connection.sendRequest(requests.createInvite);
      const { fingerprint } = await from.window.connection.sendRequest(requests.useInvite, { text });
      ways.push({ from, to, peer: fingerprint });
    }
  }
  return ways;
}

/** Says yes to what is too much to be accepted unasked, for as long as the engine runs. */
async function acceptAll(window: EngineWindow): Promise<void> {
  try {
    for (let at = 0; ; at += 1) await accept(window, await window.prompted(at));
  } catch {
    // The engine has ended, and with it what was measured.
  }
}

/** `done`, or why not. */
async function transfer(path: string, way: Way | undefined): Promise<string> {
  if (way === undefined) return 'nobody to send to';
  const { window } = way.from;
  const sent = await send(window, way.peer, path);
  const { phase, failure } = await window.transfer('the end', ({ id, phase: now }) => {
    return id === sent && ['done', 'failed', 'cancelled', 'declined', 'interrupted'].includes(now);
  });
  return failure === undefined ? phase : `${phase}: ${failure.code}`;
}

function peakOf(engines: readonly Engine[]): number {
  return Math.max(...engines.map((engine) => peakBytesOf(engine.process.pid)));
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}
