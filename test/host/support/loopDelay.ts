import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
const NANOSECONDS = 1e6;

/** How late timers of this process were, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processor time of this thread as a part of the time that passed. */
  readonly busy: number;
}

/** How late they were while `work` ran. The monitor counts from a timer's setting, so its period is taken off. */
export async function loopDelayWhile(work: () => Promise<unknown>): Promise<LoopDelay> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const [start, before] = [performance.now(), process.threadCpuUsage()];
  monitor.enable();
  await work();
  monitor.disable();
  const { user, system } = process.threadCpuUsage(before);
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  return {
    p50Ms: late(monitor.percentile(50)),
    p99Ms: late(monitor.percentile(99)),
    maxMs: late(monitor.max),
    busy: (user + system) / 1000 / (performance.now() - start),
  };
}
