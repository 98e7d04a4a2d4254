import { RemoteProtocolError } from '../base/failure.ts';
import type { SourceFailure } from '../base/failure.ts';
import type { Chunk } from './chunkLayout.ts';
import { chunkLength } from './chunkLayout.ts';
import { DIGEST_BYTES } from './digest.ts';

/**
 * The payload of a `data` frame:
 *
 *     digest (32) | raw length (4) | codec (1) | reserved (3, zero) | statuses (1 each) | body
 *
 * A range has no statuses; its digest is SHA-256 of the raw bytes. A pack has one status for each of its
 * files, in order; its raw body joins the files whose status is `bytes`, and its digest is SHA-256 over
 * their digests, so that each byte is hashed once on each side.
 */
export const REPLY_HEAD_BYTES = 40;

/** How a body is encoded; the positions are the wire. */
export const CODECS = ['stored', 'zstd', 'gzip'] as const;
export type Codec = (typeof CODECS)[number];

/** What a pack says of each file; the positions are the wire. */
export const PACK_STATUSES = [
  'bytes',
  'same',
  'source-unreadable',
  'source-changed',
  'source-vanished',
] as const satisfies readonly ('bytes' | 'same' | SourceFailure)[];
export type PackStatus = (typeof PACK_STATUSES)[number];

export interface ChunkReply {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** Bytes of the body once decoded. */
  readonly rawLength: number;
  readonly codec: Codec;
  /** One for each file of a pack; empty for a range. */
  readonly statuses: readonly PackStatus[];
  readonly body: Uint8Array;
}

/** The largest `data` payload that `chunk` can need: a body that compression makes longer is stored. */
export function replyLimit(chunk: Chunk): number {
  return REPLY_HEAD_BYTES + (chunk.kind === 'pack' ? chunk.entries.length : 0) + chunkLength(chunk);
}

/** The bytes that stand before the body. */
export function encodeReplyHead({ digest, rawLength, codec, statuses }: ChunkReply): Uint8Array {
  const head = new Uint8Array(REPLY_HEAD_BYTES + statuses.length);
  head.set(digest);
  const view = new DataView(head.buffer);
  view.setUint32(DIGEST_BYTES, rawLength);
  view.setUint8(DIGEST_BYTES + 4, CODECS.indexOf(codec));
  statuses.forEach((status, position) => {
    head[REPLY_HEAD_BYTES + position] = PACK_STATUSES.indexOf(status);
  });
  return head;
}

/** Parses the reply to a want for `chunk`; every length in it is the one that the layout tells. */
export function decodeReply(payload: Uint8Array, chunk: Chunk): ChunkReply {
  const statusCount = chunk.kind === 'pack' ? chunk.entries.length : 0;
  if (payload.length < REPLY_HEAD_BYTES + statusCount) throw refusal('a reply is too short');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const codec = CODECS[view.getUint8(DIGEST_BYTES + 4)];
  if (codec === undefined) throw refusal('unknown codec');
  if (view.getUint8(DIGEST_BYTES + 5) !== 0 || view.getUint16(DIGEST_BYTES + 6) !== 0) {
    throw refusal('reserved bytes are set');
  }
  const rawLength = view.getUint32(DIGEST_BYTES);
  const statuses = Array.from(payload.subarray(REPLY_HEAD_BYTES, REPLY_HEAD_BYTES + statusCount), statusOf);
  if (rawLength !== expectedLength(chunk, statuses)) throw refusal('a reply has the wrong length');
  const body = payload.subarray(REPLY_HEAD_BYTES + statusCount);
  if (codec === 'stored' ? body.length !== rawLength : body.length > rawLength) {
    throw refusal('a body has the wrong length');
  }
  return { digest: payload.subarray(0, DIGEST_BYTES), rawLength, codec, statuses, body };
}

function statusOf(value: number): PackStatus {
  const status = PACK_STATUSES[value];
  if (status === undefined) throw refusal('unknown status in a pack');
  return status;
}

function expectedLength(chunk: Chunk, statuses: readonly PackStatus[]): number {
  if (chunk.kind === 'range') return chunk.length;
  return chunk.sizes.reduce((sum, size, position) => (statuses[position] === 'bytes' ? sum + size : sum), 0);
}

function refusal(message: string): RemoteProtocolError {
  return new RemoteProtocolError('protocol-error', message);
}
