import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sample } from './figures.ts';
import type { Path } from './paths.ts';
import { endedChildrenSeconds, familyOf, isAlive, peakBytesOf } from './proc.ts';
import type { Processes, Running } from './processes.ts';
import type { Plan, Step } from './tools.ts';

export interface TransferOptions {
  readonly path: Path;
  readonly processes: Processes;
  /** What the servers listen on. */
  readonly port: number;
  readonly limitSeconds: number;
  /** The file for what the programs say. */
  readonly log: string;
}

/** A transfer that was not measured: it took too long, or a program failed. */
export class NotMeasured extends Error {
  override readonly name = 'NotMeasured';
}

const SERVER_LIMIT_MS = 20_000;
const SERVER_GLANCE_MS = 10;
/** Peaks are kept by the kernel, so a look now and then only has to come before a process ends. */
const MEMORY_GLANCE_MS = 50;
/** What a server's own processes may take to end after a transfer. */
const REST_LIMIT_MS = 1000;

/** Runs one transfer and measures it; throws {@link NotMeasured}. */
export async function measure(plan: Plan, options: TransferOptions): Promise<Sample> {
  const { path, processes, port, limitSeconds, log } = options;
  const start = ({ side, words }: Step): Running => processes.start(path.within(side, words), log);
  const secondsBefore = endedChildrenSeconds();
  const servers = plan.servers.map(start);
  const memory = new MemoryWatch(servers);
  try {
    await untilListening(path, port, servers, log);
    const bytesBefore = path.passedBytes();
    const begun = performance.now();
    const transfer = plan.transfer.map(start);
    memory.add(transfer);
    try {
      const parts = plan.endsWithServers === true ? [...transfer, ...servers] : transfer;
      const statuses = await within(limitSeconds, Promise.all(parts.map(({ ended }) => ended)));
      const seconds = (performance.now() - begun) / 1000;
      if (statuses === undefined) throw new NotMeasured(`not done in ${limitSeconds} s`);
      if (statuses.some((status) => status !== 0)) {
        throw new NotMeasured(`ended with status ${statuses.join(' and ')}: ${lastWords(log)}`);
      }
      const pathBytes = path.passedBytes() - bytesBefore;
      const peakBytes = memory.stop();
      // Only what has ended and was waited for is in the kernel's sum.
      await Promise.all(servers.map(untilAlone));
      await stopAll(processes, servers);
      return { seconds, processorSeconds: endedChildrenSeconds() - secondsBefore, peakBytes, pathBytes };
    } finally {
      await stopAll(processes, transfer);
    }
  } finally {
    memory.stop();
    await stopAll(processes, servers);
  }
}

/** The most memory that any process of some families has had. */
class MemoryWatch {
  readonly #roots: Running[];
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor(roots: readonly Running[]) {
    this.#roots = [...roots];
    this.#timer = setInterval(() => this.#look(), MEMORY_GLANCE_MS);
  }

  add(roots: readonly Running[]): void {
    this.#roots.push(...roots);
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#peakBytes;
  }

  #look(): void {
    for (const { pid } of this.#roots) {
      this.#peakBytes = Math.max(this.#peakBytes, ...familyOf(pid).map(peakBytesOf));
    }
  }
}

async function untilListening(
  path: Path,
  port: number,
  servers: readonly Running[],
  log: string,
): Promise<void> {
  const deadline = performance.now() + SERVER_LIMIT_MS;
  while (!path.isListening(port)) {
    if (performance.now() > deadline || servers.some(({ pid }) => !isAlive(pid))) {
      throw new NotMeasured(`its receiver does not listen: ${lastWords(log)}`);
    }
    await pause(SERVER_GLANCE_MS);
  }
}

/** Until a server has no other processes any more; not for ever. */
async function untilAlone({ pid }: Running): Promise<void> {
  const deadline = performance.now() + REST_LIMIT_MS;
  while (familyOf(pid).length > 1 && performance.now() < deadline) await pause(SERVER_GLANCE_MS);
}

/** `undefined` if it takes longer. */
async function within<Value>(seconds: number, work: Promise<Value>): Promise<Value | undefined> {
  const limit = new AbortController();
  const late = pause(seconds * 1000, undefined, { signal: limit.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.abort();
  }
}

async function stopAll(processes: Processes, running: readonly Running[]): Promise<void> {
  await Promise.all(running.map((each) => processes.stop(each)));
}

function lastWords(log: string): string {
  return readFileSync(log, 'utf8').trim().slice(-300).replaceAll(/\s+/gu, ' ');
}
