/**
 * A recorded good session with one bit flipped, for every bit of it that means something. TLS would notice; without it, each flip has to be
 * refused, to be found by a digest, or to be harmless by what it means: another offer, said with one voice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { quiet } from '../../support/memoryClock.ts';
import type { MemoryTree } from '../../support/memoryTree.ts';
import { GOOD_ENTRIES, recordingOf } from '../fixtures/goodSession.ts';
import { decodeFirst, said, TYPES } from '../support/wickedFrames.ts';
import type { SeenFrame } from '../support/wickedFrames.ts';
import { chunksOf, countedFrames, receiptFor, sha256 } from '../support/wickedSession.ts';
import type { WickedChunk, WickedEntry } from '../support/wickedSession.ts';
import { PlainReceiver, PlainSender } from './plainVictims.ts';

const GZIP = 2;

interface Said {
  readonly bytes: Buffer;
  readonly after: number;
}

interface Flip {
  readonly where: string;
  readonly frames: readonly Said[];
}

/** Header, head of the reply: what stands before the body of a range. */
const BEFORE_BODY_BITS = (16 + 40) * 8;
/** Of the body of the range, which is hundreds of bytes of zeros in other words, one bit of so many. */
const BODY_STEP = 13;

/** The recording with each of its bits flipped in turn. */
function* flipsOf(recording: readonly Said[]): Generator<Flip> {
  for (const [at, { bytes, after }] of recording.entries()) {
    const isRange = bytes[0] === TYPES.data && bytes[15] === 0;
    for (let bit = 0; bit < bytes.length * 8; bit += isRange && bit >= BEFORE_BODY_BITS ? BODY_STEP : 1) {
      const flipped = Buffer.from(bytes);
      flipped[Math.floor(bit / 8)] = (flipped[Math.floor(bit / 8)] ?? 0) ^ (1 << (bit % 8));
      const frames = recording.with(at, { bytes: flipped, after });
      yield { where: `frame ${at}, byte ${Math.floor(bit / 8)}, bit ${bit % 8}`, frames };
    }
  }
}

/** Says all of it, and does not wait for an answer that does not come. */
async function insist(victim: PlainReceiver | PlainSender, frames: readonly Said[]): Promise<void> {
  for (const { bytes, after } of frames) {
    if (countedFrames(victim.channel.seen) < after) await quiet();
    if (victim.isOver) return;
    victim.channel.sendBytes(bytes);
  }
}

function framesOf(frames: readonly Said[]): SeenFrame[] {
  const found: SeenFrame[] = [];
  let rest = Buffer.concat(frames.map(({ bytes }) => bytes));
  for (let first = decodeFirst(rest); first !== undefined; first = decodeFirst(rest)) {
    found.push(first.frame);
    rest = rest.subarray(first.size);
  }
  return found;
}

function recorded(name: Parameters<typeof recordingOf>[0]): Said[] {
  return recordingOf(name).map(({ hex, after }) => ({ bytes: Buffer.from(hex, 'hex'), after }));
}

/** What the sender has said: its manifest, and its replies with their bodies as they decode. */
class SenderWords {
  readonly entries: readonly unknown[][];
  readonly data = new Map<number, Buffer>();

  constructor(frames: readonly Said[]) {
    const all = framesOf(frames);
    this.entries = entriesIn(all.find(({ name }) => name === 'page'));
    for (const { name, index, payload } of all) {
      if (name === 'data' && !this.data.has(index)) this.data.set(index, inflated(payload));
    }
  }

  /** By path: what was listed, with the content that came for it under a right digest. */
  get offered(): ReadonlyMap<
    string,
    { readonly listed: readonly unknown[]; readonly content: Buffer | undefined }
  > {
    const contents = new Map<number, Buffer>();
    const small = this.#positions((size) => size < 256 * 1024);
    const big = this.#positions((size) => size >= 256 * 1024);
    for (const [index, chunk] of chunksOf(this.entries.map(imagined)).entries()) {
      const parts = this.#verified(index, chunk);
      const positions = chunk.kind === 'pack' ? small.splice(0, chunk.files.length) : big.splice(0, 1);
      for (const [at, position] of positions.entries()) {
        const part = parts[at];
        if (part !== undefined) contents.set(position, part);
      }
    }
    return new Map(
      this.entries.map((listed, position) => [
        String(listed[1]),
        { listed, content: contents.get(position) },
      ]),
    );
  }

  get receipt(): unknown {
    return receiptFor(this.entries, this.data);
  }

  #positions(isWanted: (size: number) => boolean): number[] {
    return [...this.entries.keys()].filter(
      (at) => this.entries[at]?.[0] === 'f' && isWanted(Number(this.entries[at]?.[2])),
    );
  }

  #verified(index: number, chunk: WickedChunk): Buffer[] {
    const payload = this.data.get(index) ?? Buffer.alloc(40);
    const digest = payload.subarray(0, 32);
    if (chunk.kind === 'range') {
      const body = payload.subarray(40);
      return sha256(body).equals(digest) ? [body] : [];
    }
    const parts: Buffer[] = [];
    let at = 40 + chunk.files.length;
    for (const { length } of chunk.files) {
      parts.push(payload.subarray(at, at + length));
      at += length;
    }
    return sha256(...parts.map((part) => sha256(part))).equals(digest) ? parts : [];
  }
}

/** None, if it is no page after all. */
function entriesIn(page: SeenFrame | undefined): unknown[][] {
  try {
    const words = page === undefined ? undefined : (said(page) as { entries?: unknown[][] });
    return words?.entries ?? [];
  } catch {
    return [];
  }
}

function imagined([kind, path, size]: readonly unknown[]): WickedEntry {
  return kind === 'f' ? { path: String(path), content: Buffer.alloc(Number(size)) } : { path: String(path) };
}

/** What was inflated last, of which most flips leave the body as it was. */
let inflatedLast: { readonly body: Buffer; readonly raw: Buffer } | undefined;

/** A reply as it would be had its body been stored; as it is, if it does not decode. */
function inflated(payload: Buffer): Buffer {
  if (payload[36] !== GZIP) return payload;
  const body = payload.subarray(40);
  if (inflatedLast?.body.equals(body) !== true) {
    try {
      inflatedLast = { body, raw: gunzipSync(body, { maxOutputLength: 2 ** 20 }) };
    } catch {
      return payload;
    }
  }
  return Buffer.concat([payload.subarray(0, 40), inflatedLast.raw]);
}

/** Whatever stands there was offered so, and its content came under its digest; a receipt is for all of it. */
function checkReceiver(victim: PlainReceiver, words: SenderWords): 'received' | 'refused' {
  victim.assertTidy();
  const receipt = victim.channel.seen.find(({ name }) => name === 'receipt');
  if (receipt === undefined && victim.standing.size === 0) return 'refused';
  const { offered } = words;
  for (const [path, { kind, content, mtimeMs, mode }] of victim.standing) {
    const entry = offered.get(path);
    assert.ok(entry !== undefined, `${path} was not offered`);
    if (kind === 'folder') {
      assert.deepEqual(entry.listed.slice(0, 2), ['d', path]);
      continue;
    }
    assert.deepEqual(entry.listed, ['f', path, content.size, mtimeMs, (mode & 0o100) !== 0]);
    assert.ok(entry.content !== undefined && content.has(entry.content), `${path} holds something else`);
  }
  if (receipt === undefined) return 'refused';
  assert.deepEqual([...victim.standing.keys()].toSorted(), [...offered.keys()].toSorted());
  assert.deepEqual(said(receipt), words.receipt);
  return 'received';
}

test('case 10: every bit that a sender says, flipped: nothing wrong is published, nothing hangs', async () => {
  const recording = recorded('senderVersion1');
  const seen = { received: 0, refused: 0 };
  for (const { where, frames } of flipsOf(recording)) {
    const victim = new PlainReceiver();
    try {
      await insist(victim, frames);
      await victim.end();
      seen[checkReceiver(victim, new SenderWords(frames))] += 1;
    } catch (error) {
      throw new Error(where, { cause: error });
    }
  }
  assert.ok(seen.received > 1000 && seen.refused > 1000, JSON.stringify(seen));
});

const tree: MemoryTree = new Map(
  GOOD_ENTRIES.map((entry) => [
    entry.path,
    'content' in entry
      ? { kind: 'file', bytes: entry.content, isExecutable: entry.isExecutable ?? false }
      : { kind: 'folder' },
  ]),
);

/** It sent nothing but what is there, and believed a receipt only if it is the right one. */
function checkSender(victim: PlainSender, hasReceipt: boolean, frames: readonly Said[]): 'done' | 'refused' {
  assert.deepEqual(victim.source.misuse, []);
  const chunks = chunksOf(GOOD_ENTRIES);
  const data = new Map<number, Buffer>();
  for (const { name, index, payload } of victim.channel.seen) {
    if (name !== 'data') continue;
    const chunk = chunks[index];
    assert.ok(chunk !== undefined, `chunk ${index} does not exist`);
    const whole = chunk.kind === 'range' ? chunk.bytes : Buffer.concat(chunk.files);
    const body = inflated(payload).subarray(40 + (chunk.kind === 'pack' ? chunk.files.length : 0));
    assert.ok(whole.equals(body), `chunk ${index} holds something else`);
    data.set(index, inflated(payload));
  }
  if (!hasReceipt) return 'refused';
  const page = victim.channel.seen.find(({ name }) => name === 'page');
  const right = receiptFor(entriesIn(page), data) as Record<string, unknown>;
  const receipt = said(framesOf(frames).find(({ name }) => name === 'receipt') ?? assert.fail('no receipt'));
  // What it says of bytes is shown nowhere, and proves nothing.
  assert.deepEqual({ ...(receipt as object), bytes: right['bytes'] }, right);
  return 'done';
}

test('case 10: every bit that a receiver says, flipped: only the right receipt is believed, nothing hangs', async () => {
  const seen = { done: 0, refused: 0 };
  for (const { where, frames } of flipsOf(recorded('receiverVersion1'))) {
    const victim = new PlainSender(tree);
    try {
      await insist(victim, frames);
      const { receipt } = await victim.end();
      seen[checkSender(victim, receipt !== undefined, frames)] += 1;
    } catch (error) {
      throw new Error(where, { cause: error });
    }
  }
  assert.ok(seen.done > 50 && seen.refused > 1000, JSON.stringify(seen));
});
