/**
 * Runs mutated inputs through a parser. Each input follows from the seed and its number alone, so that one that fails
 * is made again with `npm run fuzz -- --parser NAME --seed N --input I`.
 */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toHex } from '../../../src/base/bytes.ts';
import { Dice } from './dice.ts';
import type { FuzzInput, FuzzTarget, Verdict } from './target.ts';
import { checkPrototypes } from './target.ts';

/** No input may take longer. */
const MOST_MS = 100;
/** An input that took longer is tried so often again; the machine may have been busy with others. */
const TRIES = 8;
/** What may be in use more at the end than after the first fifth. */
const MOST_GROWTH_BYTES = 4 * 1024 * 1024;
const SHOWN_BYTES = 400;

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzReport {
  readonly taken: number;
  readonly refused: number;
  /** Of each kind, how many were taken. */
  readonly takenOf: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  readonly growthBytes: number;
}

/** Throws at the first input that is handled otherwise than documented. */
export async function fuzz(
  name: string,
  target: FuzzTarget,
  { inputs, seed, onProgress }: FuzzOptions,
): Promise<FuzzReport> {
  const verdicts: Record<Verdict, number> = { taken: 0, refused: 0 };
  const takenOf = new Map(target.kinds.map((kind) => [kind, 0]));
  let slowestMs = 0;
  let usedBefore = 0;
  // Every refusal is an error; telling where each was made would take longer than all the rest.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (let index = 0; index < inputs; index += 1) {
    const input = target.generate(new Dice(seed, index));
    const startedAt = performance.now();
    try {
      const checked = target.check(input);
      // Most are not asynchronous, and a turn of the loop for each would cost more than they do.
      const verdict = typeof checked === 'string' ? checked : await checked;
      const ms = performance.now() - startedAt;
      slowestMs = Math.max(slowestMs, ms > MOST_MS ? await quickestMs(target, input) : ms);
      verdicts[verdict] += 1;
      if (verdict === 'taken') takenOf.set(input.kind, (takenOf.get(input.kind) ?? 0) + 1);
      checkPrototypes();
    } catch (error) {
      Error.stackTraceLimit = stackTraceLimit;
      throw new Error(told(name, input, { seed, index }), { cause: error });
    }
    if (index === Math.floor(inputs / 5)) usedBefore = usedBytes();
    if (index % 100_000 === 99_999) onProgress?.(index + 1);
  }
  Error.stackTraceLimit = stackTraceLimit;
  const growthBytes = usedBytes() - usedBefore;
  assert.ok(
    growthBytes < MOST_GROWTH_BYTES,
    `${name}: ${growthBytes} bytes more are in use after ${inputs} inputs`,
  );
  return { ...verdicts, takenOf, slowestMs, growthBytes };
}

/** What becomes of one input that was kept, or made again. */
export async function replay(target: FuzzTarget, input: FuzzInput): Promise<Verdict> {
  const verdict = await target.check(input);
  await quickestMs(target, input);
  checkPrototypes();
  return verdict;
}

/** Throws if an input takes too long each time that it is tried, by the work of this thread and not by the clock. */
async function quickestMs(target: FuzzTarget, input: FuzzInput): Promise<number> {
  let quickest = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES && quickest > MOST_MS; tried += 1) {
    const before = process.threadCpuUsage();
    await target.check(input);
    const { user, system } = process.threadCpuUsage(before);
    quickest = Math.min(quickest, (user + system) / 1000);
  }
  assert.ok(quickest <= MOST_MS, `takes ${quickest.toFixed(0)} ms at least`);
  return quickest;
}

setFlagsFromString('--expose-gc');
// What a context gives is of no type; this one is V8's collector.
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once all garbage is gone. */
export function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function told(
  name: string,
  { kind, bytes }: FuzzInput,
  at: { readonly seed: number; readonly index: number },
): string {
  const hex = toHex(bytes.subarray(0, SHOWN_BYTES));
  const rest = bytes.length > SHOWN_BYTES ? `… (${bytes.length} bytes)` : '';
  return [
    `the parser ${name} does not keep to its documents with an input of kind ${kind}: ${hex}${rest}`,
    `again: npm run fuzz -- --parser ${name} --seed ${at.seed} --input ${at.index}`,
  ].join('\n');
}
