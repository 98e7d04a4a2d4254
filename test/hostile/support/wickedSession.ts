import { createHash } from 'node:crypto';
import { encode, message, said } from './wickedFrames.ts';
import type { SeenFrame, WickedFrame } from './wickedFrames.ts';
import type { WickedPeer } from './wickedPeer.ts';

/**
 * The two halves of a good session, by docs/protocol.md, as scripts that a test bends: each frame passes through
 * `bend` before it leaves, and whatever comes out is sent in its place: something else, more, or nothing.
 */

export interface WickedFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mtimeMs?: number;
  readonly isExecutable?: boolean;
}

export interface WickedFolder {
  readonly path: string;
  readonly mtimeMs?: number;
}

export type WickedEntry = WickedFile | WickedFolder;

/** What leaves in place of a frame. */
export type Bend = (frame: WickedFrame, name: string) => readonly WickedFrame[];

export interface SenderScript {
  /** In manifest order. */
  readonly entries: readonly WickedEntry[];
  /** 32 hexadecimal digits. */
  readonly transfer?: string;
  readonly label?: string;
  readonly hello?: Readonly<Record<string, unknown>>;
  readonly bend?: Bend;
}

export const HELLO = {
  versions: [1, 1],
  role: 'sender',
  name: 'wicked',
  codecs: ['zstd', 'gzip'],
  limits: { openWants: 64 },
} as const;

const SMALLEST_CHUNK = 256 * 1024;
const LARGEST_CHUNK = 4 * 1024 * 1024;
const PACK_BYTES = 1024 * 1024;
const PACK_FILES = 1024;
const TIME = 1_700_000_000_000;

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const isFile = (entry: WickedEntry): entry is WickedFile => 'content' in entry;

/** An entry as a page lists it. */
export function listed(entry: WickedEntry): unknown {
  return isFile(entry)
    ? ['f', entry.path, entry.content.length, entry.mtimeMs ?? TIME, entry.isExecutable ?? false]
    : ['d', entry.path, entry.mtimeMs ?? TIME];
}

/** A chunk: a range of one file, or a pack of several; § 9. */
export type WickedChunk =
  | { readonly kind: 'range'; readonly bytes: Buffer }
  | { readonly kind: 'pack'; readonly files: readonly Buffer[] };

/** The chunks of a page in which everything is taken, but for the positions in `left`. */
export function chunksOf(
  entries: readonly WickedEntry[],
  left: ReadonlySet<number> = new Set(),
): WickedChunk[] {
  const chunks: WickedChunk[] = [];
  let pack: Buffer[] = [];
  const close = (): void => {
    if (pack.length > 0) chunks.push({ kind: 'pack', files: pack });
    pack = [];
  };
  for (const [position, entry] of entries.entries()) {
    if (!isFile(entry) || left.has(position)) continue;
    const { content } = entry;
    if (content.length < SMALLEST_CHUNK) {
      const filled = pack.reduce((sum, { length }) => sum + length, 0);
      if (pack.length >= PACK_FILES || filled + content.length > PACK_BYTES) close();
      pack.push(content);
      continue;
    }
    let length = SMALLEST_CHUNK;
    while (length < LARGEST_CHUNK && length * 512 < content.length) length *= 2;
    for (let offset = 0; offset < content.length; offset += length) {
      chunks.push({ kind: 'range', bytes: content.subarray(offset, offset + length) });
    }
  }
  close();
  return chunks;
}

export interface DataParts {
  readonly digest?: Uint8Array;
  readonly rawLength?: number;
  readonly codec?: number;
  readonly reserved?: readonly [number, number, number];
  readonly statuses?: readonly number[];
  readonly body?: Uint8Array;
}

/** The payload of `data` for a chunk, any part of it overridden; § 10. */
export function dataPayload(chunk: WickedChunk, parts: DataParts = {}): Buffer {
  const files = chunk.kind === 'pack' ? chunk.files : [];
  const body = chunk.kind === 'pack' ? Buffer.concat(files) : chunk.bytes;
  const digest = chunk.kind === 'pack' ? sha256(...files.map((file) => sha256(file))) : sha256(body);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(parts.rawLength ?? body.length, 0);
  head.writeUInt8(parts.codec ?? 0, 4);
  head.set(parts.reserved ?? [0, 0, 0], 5);
  const statuses = Buffer.from(parts.statuses ?? files.map(() => 0));
  return Buffer.concat([parts.digest ?? digest, head, statuses, parts.body ?? body]);
}

/**
 * Sends as a good sender does, each frame bent: says hello, offers everything in one page, serves what is wanted
 * until the receipt comes, and closes with `done`. Resolves with the receipt, or when the connection has ended.
 */
export async function playSender(peer: WickedPeer, script: SenderScript): Promise<unknown> {
  const { entries, transfer = 'ab'.repeat(16), label = 'wicked', bend = (frame) => [frame] } = script;
  const send = (frame: WickedFrame, name: string): void => peer.send(...bend(frame, name));
  send(message('hello', { ...HELLO, ...script.hello }), 'hello');
  await peer.expect('hello');
  const files = entries.filter(isFile);
  send(message('offer', { transfer, label }), 'offer');
  send(message('page', { entries: entries.map(listed) }), 'page');
  const totals = {
    pages: 1,
    entries: entries.length,
    files: files.length,
    bytes: files.reduce((sum, { content }) => sum + content.length, 0),
    leftOut: 0,
  };
  send(message('offerEnd', totals), 'offerEnd');
  return serve(peer, entries, send);
}

/** Answers wants until the receipt comes; entries that were not taken have no chunks. */
async function serve(
  peer: WickedPeer,
  entries: readonly WickedEntry[],
  send: (frame: WickedFrame, name: string) => void,
): Promise<unknown> {
  let chunks: readonly WickedChunk[] = [];
  for (let frame = await peer.next(); frame !== undefined; frame = await peer.next()) {
    if (frame.name === 'answer') chunks = chunksOf(entries, notTaken(frame));
    else if (frame.name === 'want') {
      const chunk = chunks[frame.index];
      if (chunk !== undefined) {
        send({ type: 7, index: frame.index, payload: dataPayload(chunk) }, `data ${frame.index}`);
      }
    } else if (frame.name === 'receipt') {
      send(message('close', { code: 'done' }), 'close');
      peer.finish();
      return said(frame);
    }
  }
  return undefined;
}

/** The positions that an answer does not take. */
export function notTaken(answer: SeenFrame): ReadonlySet<number> {
  const left = new Set<number>();
  const words = said(answer) as { decisions: [string, number][] };
  let position = 0;
  for (const [decision, count] of words.decisions) {
    for (let each = 0; each < count; each += 1, position += 1) if (decision !== 'take') left.add(position);
  }
  return left;
}

export interface ReceiverScript {
  readonly hello?: Readonly<Record<string, unknown>>;
  readonly bend?: Bend;
  /** Whether this side has dialled: then it speaks first. */
  readonly isDialler?: boolean;
}

/** What a good receiver has when the session is over. */
export interface Got {
  readonly entries: readonly unknown[];
  /** By chunk index: the payloads of `data`. */
  readonly data: ReadonlyMap<number, Buffer>;
  /** The code with which the sender closed. */
  readonly code: string | undefined;
}

/**
 * Receives as a good receiver does, each frame bent: takes everything, wants each chunk, and sends the receipt that
 * is right. Most often the connection was dialled by the sender, whose `hello` comes first.
 */
export async function playReceiver(peer: WickedPeer, script: ReceiverScript = {}): Promise<Got> {
  const { bend = (frame) => [frame], isDialler = false } = script;
  const send = (frame: WickedFrame, name: string): void => peer.send(...bend(frame, name));
  if (!isDialler) await peer.expect('hello');
  send(message('hello', { ...HELLO, role: 'receiver', ...script.hello }), 'hello');
  if (isDialler) await peer.expect('hello');
  const entries: unknown[][] = [];
  const data = new Map<number, Buffer>();
  let wanted = 0;
  let isListed = false;
  for (let frame = await peer.next(); frame !== undefined; frame = await peer.next()) {
    if (frame.name === 'page') {
      const page = (said(frame) as { entries: unknown[][] }).entries;
      entries.push(...page);
      const decisions = [['take', page.length]];
      send(message('answer', { decisions }, { index: frame.index }), `answer ${frame.index}`);
      const layout = chunksOf(page.map(imagined));
      for (const _ of layout) {
        send({ type: 6, index: wanted }, `want ${wanted}`);
        wanted += 1;
      }
    } else if (frame.name === 'offerEnd') isListed = true;
    else if (frame.name === 'data') data.set(frame.index, frame.payload);
    if (isListed && data.size === wanted && frame.name !== 'close') {
      isListed = false;
      send(message('receipt', receiptFor(entries, data)), 'receipt');
    }
  }
  return { entries, data, code: (await peer.ended()).code };
}

/** An entry as it was listed, with content of the right length and nothing in it. */
function imagined([kind, path, size]: readonly unknown[]): WickedEntry {
  if (typeof path !== 'string') throw new Error('an entry without a path');
  return kind === 'f' && typeof size === 'number' ? { path, content: Buffer.alloc(size) } : { path };
}

/** The right receipt for one page in which everything was taken and came as stored bytes; § 11. */
export function receiptFor(entries: readonly unknown[][], data: ReadonlyMap<number, Buffer>): unknown {
  const chunks = chunksOf(entries.map(imagined));
  // By the order of layout: a pack takes its index when it closes, so its files are found by counting.
  const digests = fileDigests(entries, chunks, data);
  const root = createHash('sha256');
  let bytes = 0;
  for (const [position, [kind, path, size, , isExecutable]] of entries.entries()) {
    const name = Buffer.from(String(path));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(name.length);
    const mark = kind === 'd' ? 0 : isExecutable === true ? 2 : 1;
    root
      .update(Buffer.from([mark]))
      .update(length)
      .update(name);
    if (kind === 'd') continue;
    const sized = Buffer.alloc(8);
    sized.writeBigUInt64BE(BigInt(Number(size)));
    root.update(sized).update(digests.get(position) ?? Buffer.alloc(32));
    bytes += Number(size);
  }
  return { root: root.digest('hex'), published: entries.length, same: 0, skipped: 0, failed: 0, bytes };
}

/** The digest of each file, by its position. */
function fileDigests(
  entries: readonly unknown[][],
  chunks: readonly WickedChunk[],
  data: ReadonlyMap<number, Buffer>,
): ReadonlyMap<number, Buffer> {
  const digests = new Map<number, Buffer>();
  const isSmall = (position: number): boolean => Number(entries[position]?.[2]) < SMALLEST_CHUNK;
  const files = [...entries.keys()].filter((position) => entries[position]?.[0] === 'f');
  const small = files.filter(isSmall);
  const big = files.filter((position) => !isSmall(position));
  const ranges = chunks.flatMap((chunk, index) => (chunk.kind === 'range' ? [{ chunk, index }] : []));
  for (const position of big) {
    const parts: Buffer[] = [];
    for (let left = Number(entries[position]?.[2]); left > 0;) {
      const range = ranges.shift();
      if (range === undefined) throw new Error('the layout has too few ranges');
      parts.push(sha256((data.get(range.index) ?? Buffer.alloc(40)).subarray(40)));
      left -= range.chunk.bytes.length;
    }
    digests.set(position, sha256(...parts));
  }
  for (const [index, chunk] of chunks.entries()) {
    if (chunk.kind !== 'pack') continue;
    let offset = 40 + chunk.files.length;
    for (const file of chunk.files) {
      const payload = data.get(index) ?? Buffer.alloc(0);
      const position = small.shift();
      if (position === undefined) throw new Error('the layout has too many files');
      digests.set(position, sha256(sha256(payload.subarray(offset, offset + file.length))));
      offset += file.length;
    }
  }
  return digests;
}

/** What one side said in a session, and after how many frames of the other side it said each. */
export interface RecordedFrame {
  /** Header and payload, in hexadecimal. */
  readonly hex: string;
  /** Frames of the other side that had come before; `progress` is not counted, for its number hangs on time. */
  readonly after: number;
}

/** Whoever can say again what was recorded. */
export type Replayer = Pick<WickedPeer, 'seen' | 'whenSeen' | 'isOver' | 'sendBytes'>;

/** How many frames have come that count in a recording. */
export function countedFrames(seen: readonly SeenFrame[]): number {
  return seen.filter(({ name }) => name !== 'progress').length;
}

/** Says again what was recorded, each frame when the other side has said as much as it had then, or has ended. */
export async function replay(peer: Replayer, frames: readonly RecordedFrame[]): Promise<void> {
  for (const { hex, after } of frames) {
    while (countedFrames(peer.seen) < after && !peer.isOver) await peer.whenSeen(peer.seen.length + 1);
    if (peer.isOver) return;
    peer.sendBytes(Buffer.from(hex, 'hex'));
  }
}

/** A `bend` that bends nothing and writes down what is said. */
export function recorder(peer: Pick<WickedPeer, 'seen'>): {
  readonly bend: Bend;
  readonly frames: RecordedFrame[];
} {
  const frames: RecordedFrame[] = [];
  const bend: Bend = (frame) => {
    frames.push({ hex: encode(frame).toString('hex'), after: countedFrames(peer.seen) });
    return [frame];
  };
  return { bend, frames };
}
