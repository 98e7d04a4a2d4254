import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** V8's own is 3,000. */
const CALLS_BEFORE_TURBOFAN = 100_000;
/** How much of what is old may be garbage before it is looked through, in percent of the rest: of a small heap … */
const GROWTH_WHILE_SMALL = 100;
/** … and of one that is larger than this, of which it would be too much. */
const GROWTH = 20;
const SMALL_HEAP_BYTES = 12 * 1024 * 1024;
const GLANCE_MS = 1000;

/**
 * Has the engine of this process spend little on what we do not need. Call it first: the heap is not given back once it
 * has grown.
 *
 * Memory: by default the collector lets garbage pile up to several times what is in use, and the more so on a machine
 * with much memory. What is young gets no more room than at the start, and what is old may grow by a fifth before it is
 * looked through, or to the double while it is little. `--optimize-for-size` holds memory as small, at the cost of a
 * quarter of the processor time when there are many small files.
 *
 * Compiling: what Maglev has compiled is compiled once more by TurboFan only when it has run very often. That takes an
 * eighth of the processor time of 20,000 small files, on other threads, and pays only in transfers that last. Where
 * there is no Maglev, before V8 13, all stays as it is.
 */
export function tuneRuntime(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setGrowth(GROWTH_WHILE_SMALL);
  const glance = setInterval(() => {
    if (getHeapStatistics().used_heap_size < SMALL_HEAP_BYTES) return;
    setGrowth(GROWTH);
    clearInterval(glance);
  }, GLANCE_MS).unref();
  if (Number(process.versions.v8.split('.', 1)[0]) < 13) return;
  setFlagsFromString(`--invocation-count-for-turbofan=${CALLS_BEFORE_TURBOFAN}`);
}

function setGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
