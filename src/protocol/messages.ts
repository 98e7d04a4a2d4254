import * as v from 'valibot';
import { fromHex, fromUtf8, utf8 } from '../base/bytes.ts';
import {
  DESTINATION_FAILURES,
  RemoteProtocolError,
  SESSION_FAILURES,
  SOURCE_FAILURES,
} from '../base/failure.ts';
import { DECISIONS } from './chunkLayout.ts';
import type { Decision } from './chunkLayout.ts';
import { CODECS } from './chunkReply.ts';
import { DIGEST_BYTES } from './digest.ts';
import { limits } from './limits.ts';
import type { Entry } from './manifest.ts';
import { parseSafePath } from './wirePath.ts';
import type { SafePath } from './wirePath.ts';

/**
 * The control messages: JSON in UTF-8, parsed once through these schemas into exact types. Keys that a
 * schema does not name are refused, except in `hello`, where a later version may say more.
 */

/** A whole number from 0 to `most`. */
function count(most: number) {
  return v.pipe(
    v.number(),
    v.check((value) => isWhole(value, 0, most)),
  );
}

/** JSON can spell Infinity (1e999), fractions and -0; none gets in. */
function isWhole(value: unknown, least: number, most: number): value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0)) return false;
  return value >= least && value <= most;
}

function hexBytes(bytes: number) {
  return v.pipe(v.string(), v.regex(/^[0-9a-f]*$/u), v.length(bytes * 2));
}

const text = v.pipe(v.string(), v.maxLength(limits.textLength));
const helloSchema = v.object({
  /** The oldest and the newest version of the protocol that this side speaks. */
  versions: v.tuple([count(65_535), count(65_535)]),
  role: v.picklist(['sender', 'receiver']),
  /** What this device calls itself; shown to people, trusted for nothing. */
  name: text,
  /** Codecs that this side can decode, besides `stored`. */
  codecs: v.pipe(v.array(v.string()), v.maxLength(16)),
  /** How many wants it takes at once, if it is the sender. */
  limits: v.object({
    openWants: v.pipe(count(65_535), v.minValue(1)),
    /** How many connections it takes for one session; one if it does not say. */
    lanes: v.optional(v.pipe(count(65_535), v.minValue(1))),
  }),
  /** Proof of an invite, from the side that dialled. */
  proof: v.optional(v.object({ invite: hexBytes(8), mac: hexBytes(32) })),
  /** The transfer that a dialler wants to go on receiving, where the listener shares it. */
  transfer: v.optional(hexBytes(16)),
});

const offerSchema = v.strictObject({
  /** Names the transfer for as long as it lives; drawn at random by the sender. */
  transfer: hexBytes(16),
  /** What is being sent, in the sender's words. */
  label: text,
});

type WireEntry =
  | ['f', path: SafePath, size: number, mtimeMs: number, isExecutable: boolean]
  | ['d', path: SafePath, mtimeMs: number];

/** Times that a `Date` can tell, in milliseconds. */
const FURTHEST_TIME_MS = 8.64e15;

/**
 * The entries of a page, checked by hand: a manifest of a million is parsed more than once, and a schema takes
 * several times as long for each.
 */
const entriesSchema = v.rawTransform<unknown[], WireEntry[]>(({ dataset, addIssue, NEVER }) => {
  const entries: WireEntry[] = [];
  for (const value of dataset.value) {
    const entry = parseEntry(value);
    if (typeof entry === 'string') {
      addIssue({ message: `entry ${entries.length}: ${entry}` });
      return NEVER;
    }
    entries.push(entry);
  }
  return entries;
});

/** The entry, or why it is refused. */
function parseEntry(value: unknown): WireEntry | string {
  if (!Array.isArray(value)) return 'not an array';
  const fields: readonly unknown[] = value;
  const [kind, path] = fields;
  if (typeof path !== 'string') return 'no path';
  const parsed = parseSafePath(path);
  if ('refusal' in parsed) return `name refused: ${parsed.refusal}`;
  if (kind === 'd' && fields.length === 3) {
    const mtimeMs = fields[2];
    return isWhole(mtimeMs, -FURTHEST_TIME_MS, FURTHEST_TIME_MS) ? ['d', parsed.path, mtimeMs] : 'no time';
  }
  if (kind !== 'f' || fields.length !== 5) return 'neither file nor folder';
  const [, , size, mtimeMs, isExecutable] = fields;
  if (!isWhole(size, 0, limits.fileBytes)) return 'no size';
  if (!isWhole(mtimeMs, -FURTHEST_TIME_MS, FURTHEST_TIME_MS)) return 'no time';
  return typeof isExecutable === 'boolean' ? ['f', parsed.path, size, mtimeMs, isExecutable] : 'no mode';
}

const pageSchema = v.strictObject({
  entries: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(limits.pageEntries), entriesSchema),
});

const offerEndSchema = v.strictObject({
  pages: count(limits.entries),
  entries: count(limits.entries),
  files: count(limits.entries),
  bytes: count(limits.transferBytes),
  /** How many things the sender was asked to send and could not offer: links, devices, refused names. */
  leftOut: count(Number.MAX_SAFE_INTEGER),
});

const answerSchema = v.strictObject({
  /** Runs of equal decisions over the entries of the page, in order. */
  decisions: v.pipe(
    v.array(v.strictTuple([v.picklist(DECISIONS), v.pipe(count(limits.pageEntries), v.minValue(1))])),
    v.minLength(1),
    v.maxLength(limits.pageEntries),
  ),
});

const wantSchema = v.strictObject({
  /** What the receiver has in that place: one digest for a range, one (or null) for each file of a pack. */
  have: v.optional(
    v.pipe(v.array(v.nullable(hexBytes(DIGEST_BYTES))), v.minLength(1), v.maxLength(limits.packEntries)),
  ),
});

const failedSchema = v.strictObject({ reason: v.picklist(SOURCE_FAILURES) });

const progressSchema = v.strictObject({
  /** Bytes that are verified and written, and entries that have ended in whichever way. */
  bytes: count(limits.transferBytes),
  entries: count(limits.entries),
});

const outcomeSchema = v.strictObject({
  /** Entries that the receiver could not finish: page, position in it, reason. */
  failures: v.pipe(
    v.array(
      v.strictTuple([count(limits.entries), count(limits.pageEntries - 1), v.picklist(DESTINATION_FAILURES)]),
    ),
    v.minLength(1),
    v.maxLength(limits.outcomeFailures),
  ),
});

const receiptSchema = v.strictObject({
  /** The root digest over everything that was taken, verified and published. */
  root: hexBytes(DIGEST_BYTES),
  /** How the entries of the manifest ended; the four add up to all of them. */
  published: count(limits.entries),
  same: count(limits.entries),
  skipped: count(limits.entries),
  failed: count(limits.entries),
  /** Bytes of the published files. */
  bytes: count(limits.transferBytes),
});

/** The first frame of a connection that joins a session. */
const joinSchema = v.strictObject({
  /** Names the session; see `peers/laneKey.ts`. */
  session: hexBytes(16),
  /** The number of the lane in its session, never given twice; the first connection is 0. */
  lane: v.pipe(count(limits.laneNumbers), v.minValue(1)),
  /** Proof that whoever joins is in the session. */
  mac: hexBytes(DIGEST_BYTES),
});

/** What was sent on a lane and may not have arrived. */
const lostSchema = v.strictObject({
  lane: v.pipe(count(limits.laneNumbers), v.minValue(1)),
  /** Indices of chunks. */
  chunks: v.pipe(v.array(count(Number.MAX_SAFE_INTEGER)), v.maxLength(limits.openWants)),
});

/** Pairing by a code; see `peers/pairingCode.ts`. The dialler's first frame fixes its nonce, … */
const commitSchema = v.strictObject({ commitment: hexBytes(DIGEST_BYTES) });
/** … the listener tells its own, and the dialler reveals what it has fixed. */
const nonceSchema = v.strictObject({ nonce: hexBytes(DIGEST_BYTES) });

/** The user of this side has seen the same code on both devices. */
const agreeSchema = v.strictObject({
  mac: hexBytes(DIGEST_BYTES),
  /** What this device calls itself; shown to people, trusted for nothing. */
  name: text,
});

const closeSchema = v.strictObject({
  code: v.fallback(v.picklist(['done', ...SESSION_FAILURES]), 'internal'),
  message: v.optional(text),
});

const schemas = {
  hello: helloSchema,
  offer: offerSchema,
  page: pageSchema,
  offerEnd: offerEndSchema,
  answer: answerSchema,
  want: wantSchema,
  failed: failedSchema,
  progress: progressSchema,
  outcome: outcomeSchema,
  receipt: receiptSchema,
  close: closeSchema,
  join: joinSchema,
  lost: lostSchema,
  commit: commitSchema,
  nonce: nonceSchema,
  reveal: nonceSchema,
  agree: agreeSchema,
} as const;

export type MessageName = keyof typeof schemas;
/** What may be said in a control message. */
export type MessageInput<Name extends MessageName> = v.InferInput<(typeof schemas)[Name]>;
/** What a control message says, as it stands on the wire. */
export type Message<Name extends MessageName> = v.InferOutput<(typeof schemas)[Name]>;
export type Hello = Message<'hello'>;
export type Receipt = Message<'receipt'>;
export type Close = Message<'close'>;

/** The payload of a control message. */
export function encodeMessage<Name extends MessageName>(
  _name: Name,
  message: MessageInput<Name>,
): Uint8Array {
  return utf8(JSON.stringify(message));
}

/** Parses a payload; a {@link RemoteProtocolError} says which message and where it is wrong. */
export function decodeMessage<Name extends MessageName>(name: Name, payload: Uint8Array): Message<Name> {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(payload));
  } catch (cause) {
    throw new RemoteProtocolError('protocol-error', `${name} is not JSON in UTF-8`, { cause });
  }
  // To valibot an empty array is an object whose keys are all missing.
  if (Array.isArray(json)) {
    throw new RemoteProtocolError('protocol-error', `${name} is malformed at its root`);
  }
  const schema: v.GenericSchema<unknown, unknown> = schemas[name];
  const parsed = v.safeParse(schema, json, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    // The path of the issue is ours; the received value, which is not, stays out of the message.
    throw new RemoteProtocolError(
      'protocol-error',
      `${name} is malformed at ${v.getDotPath(issue) ?? 'its root'}`,
    );
  }
  // The schema of this name was the one applied; the checker cannot follow that through the table.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parsed.output as Message<Name>;
}

export function entryToWire(entry: Entry): WireEntry {
  return entry.kind === 'file'
    ? ['f', entry.path, entry.size, entry.mtimeMs, entry.isExecutable]
    : ['d', entry.path, entry.mtimeMs];
}

export function entryFromWire(wire: WireEntry): Entry {
  if (wire[0] === 'd') return { kind: 'folder', path: wire[1], mtimeMs: wire[2] };
  return { kind: 'file', path: wire[1], size: wire[2], mtimeMs: wire[3], isExecutable: wire[4] };
}

/** Runs of equal decisions. */
export function decisionsToWire(decisions: readonly Decision[]): Message<'answer'>['decisions'] {
  const runs: [Decision, number][] = [];
  for (const decision of decisions) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === decision) last[1] += 1;
    else runs.push([decision, 1]);
  }
  return runs;
}

/** One decision for each of `entryCount` entries; refuses runs that do not add up to that. */
export function decisionsFromWire(runs: Message<'answer'>['decisions'], entryCount: number): Decision[] {
  const total = runs.reduce((sum, [, length]) => sum + length, 0);
  if (total !== entryCount) {
    throw new RemoteProtocolError('protocol-error', 'an answer does not fit its page');
  }
  return runs.flatMap(([decision, length]) => Array.from({ length }, () => decision));
}

/** Digests of a want, as bytes. */
export function haveFromWire(have: readonly (string | null)[]): (Uint8Array | undefined)[] {
  return have.map((digest) => (digest === null ? undefined : fromHex(digest)));
}

/** The codecs of a hello that this version knows; later ones are passed over. */
export function knownCodecs(names: readonly string[]): (typeof CODECS)[number][] {
  return CODECS.filter((codec) => codec !== 'stored' && names.includes(codec));
}
