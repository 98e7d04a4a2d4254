import type { Way } from '../../src/transfer/chunkRounds.ts';
import { CodecQueue } from '../../src/transfer/codecQueue.ts';
import { EffortControl } from '../../src/transfer/effortControl.ts';

/** Chunks of 1 MiB; all times are in milliseconds, all rates in mebibytes a millisecond. */
export interface SimulatedWorld {
  readonly chunks: number;
  /** What the path carries, at a time, while so many calls of the codec are under way. */
  readonly pathRate: (nowMs: number, running: number) => number;
  /** What the codec takes for a chunk, and what it leaves of it, by effort. */
  readonly codecMs: readonly [number, number, number];
  readonly shares: readonly [number, number, number];
  readonly threads: number;
  /** What the path takes ahead of what it has carried; a few tenths of a chunk unless told otherwise. */
  readonly bufferChunks?: number;
  /** Whether a chunk shrinks at all; all do unless told otherwise. */
  readonly shrinks?: (chunk: number) => boolean;
}

export interface Served {
  readonly tookMs: number;
  /** How each chunk went, in the order in which they came. */
  readonly ways: readonly Way[];
}

const MIB = 1024 * 1024;
const SERVERS = 4;
/** Reading and hashing, one chunk after the other. */
const READ_MS = 0.8;
const BUFFER_CHUNKS = 0.5;

/**
 * Serves chunks as a sender does, in a time of its own: four at once, each read, encoded by the first free thread
 * and handed to a path that takes them in turn and holds a few.
 */
export function serve(
  world: SimulatedWorld,
  control: Pick<EffortControl, 'way' | 'encoded'> = new EffortControl(world.threads),
): Served {
  const events: { readonly atMs: number; readonly run: (nowMs: number) => void }[] = [];
  const at = (atMs: number, run: (nowMs: number) => void): void => {
    const index = events.findLastIndex((event) => event.atMs <= atMs);
    events.splice(index + 1, 0, { atMs, run });
  };
  const { bufferChunks = BUFFER_CHUNKS } = world;
  const ways: Way[] = [];
  let [readUntil, sentUntil] = [0, 0];
  let [now, running] = [0, 0];
  /** Servers that wait for the path, since when all do, and how long all did. */
  let [waiting, stalledSince, stalledMs] = [0, 0, 0];
  const queue = new CodecQueue(world.threads, () => sentUntil <= now);

  const next = (nowMs: number): void => {
    if (ways.length === world.chunks) return;
    const shrinks = world.shrinks?.(ways.length) ?? true;
    readUntil = Math.max(nowMs, readUntil) + READ_MS;
    const way = control.way;
    ways.push(way);
    at(readUntil, (readMs) => encode(readMs, way, shrinks));
  };
  const encode = (nowMs: number, way: Way, shrinks: boolean): void => {
    if (way === 'stored' || !shrinks) {
      send(nowMs, { way, shrinks, codecMs: 0, share: 1 });
      return;
    }
    const effort = way === 'mixed' ? 0 : way;
    const [codecMs, share] = [world.codecMs[effort], world.shares[effort]];
    queue.enter((isForCodec) => {
      if (!isForCodec) send(now, { way, shrinks, codecMs: 0, share: 1 });
      else {
        running += 1;
        at(now + codecMs, (doneMs) => {
          running -= 1;
          queue.leave();
          send(doneMs, { way, shrinks, codecMs, share });
        });
      }
    }, way === 'mixed');
  };
  const send = (
    nowMs: number,
    chunk: {
      readonly way: Way;
      readonly shrinks: boolean;
      readonly codecMs: number;
      readonly share: number;
    },
  ): void => {
    control.encoded({ ...chunk, rawBytes: MIB, bodyBytes: MIB * chunk.share, stalledMs }, nowMs);
    const rate = world.pathRate(Math.max(nowMs, sentUntil), running);
    sentUntil = Math.max(nowMs, sentUntil) + chunk.share / rate;
    waiting += 1;
    if (waiting === SERVERS) stalledSince = nowMs;
    at(Math.max(nowMs, sentUntil - bufferChunks / rate), (freeMs) => {
      if (waiting === SERVERS) stalledMs += freeMs - stalledSince;
      waiting -= 1;
      next(freeMs);
    });
    at(sentUntil, () => {
      if (sentUntil <= now) queue.relieve();
    });
  };

  for (let server = 0; server < SERVERS; server += 1) at(0, next);
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    now = event.atMs;
    event.run(now);
  }
  return { tookMs: sentUntil, ways };
}

/** What it takes when nothing is ever compressed. */
export function serveStored(world: SimulatedWorld): number {
  return serve({ ...world, shrinks: () => false }).tookMs;
}
