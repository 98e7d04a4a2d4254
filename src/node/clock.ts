import { performance } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';

/** The platform's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The same clock, for what no process should be kept alive for. */
export const backgroundClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
