import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** What is young may have so much room: with less, what lives a moment longer is copied again and again. */
const YOUNG_BYTES = 4 * 1024 * 1024;
const LOOK_AGAIN_MS = 25;

/**
 * Has the engine of this process spend little on what we do not need.
 *
 * Memory: by default the collector lets garbage pile up to several times what is in use, and the more so on a machine
 * with much memory. What is young gets 4 MiB, and what is old may grow by a fifth before it is looked through.
 * `--optimize-for-size` holds memory as small, at the cost of a quarter of the processor time when there are many small
 * files. Call it first: the heap is not given back once it has grown.
 *
 * Compiling: hot code is compiled by Maglev, and not once more by TurboFan, which takes an eighth of the processor time
 * of a transfer of small files, on other threads, and gives nothing back: the time goes to system calls, hashing and
 * encryption. Where there is no Maglev, before V8 13, all stays as it is.
 */
export function tuneRuntime(): void {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=2');
  holdYoung();
  if (Number(process.versions.v8.split('.', 1)[0]) >= 13) setFlagsFromString('--no-turbofan');
}

/** The flags for the least and the most are read before the heap is made, which is too early for us: so it is watched. */
function holdYoung(): void {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  const bytes = young === undefined ? Infinity : young.space_used_size + young.space_available_size;
  if (bytes >= YOUNG_BYTES) setFlagsFromString('--semi-space-growth-factor=1');
  else setTimeout(holdYoung, LOOK_AGAIN_MS).unref();
}
