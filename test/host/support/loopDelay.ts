import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
const NANOSECONDS = 1e6;

/** What an event loop does to those who wait for it. */
export interface LoopDelay {
  /** How late timers of this process were, whoever was to blame: the machine, too. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processor time of this thread from one turn of a short timer to the next: its own part in that. */
  readonly ownP99Ms: number;
  readonly ownMaxMs: number;
  /** Processor time of this thread as a part of the time that passed. */
  readonly busy: number;
}

/** Measures while `work` runs. The monitor counts from a timer's setting, so its period is taken off. */
export async function loopDelayWhile(work: () => Promise<unknown>): Promise<LoopDelay> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const turns: number[] = [];
  const [start, processorStart] = [performance.now(), processorMs()];
  let last = processorStart;
  const timer = setInterval(() => {
    const now = processorMs();
    turns.push(now - last);
    last = now;
  }, RESOLUTION_MS);
  monitor.enable();
  await work();
  monitor.disable();
  clearInterval(timer);
  const busy = (processorMs() - processorStart) / (performance.now() - start);
  turns.sort((a, b) => a - b);
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  return {
    p50Ms: late(monitor.percentile(50)),
    p99Ms: late(monitor.percentile(99)),
    maxMs: late(monitor.max),
    ownP99Ms: turns[Math.floor(turns.length * 0.99)] ?? 0,
    ownMaxMs: turns.at(-1) ?? 0,
    busy,
  };
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
