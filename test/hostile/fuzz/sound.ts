/** Random values that are sound: what parsers must take, and what mutations begin with. */
import { toHex } from '../../../src/base/bytes.ts';
import { DESTINATION_FAILURES, SESSION_FAILURES, SOURCE_FAILURES } from '../../../src/base/failure.ts';
import type { Address } from '../../../src/peers/address.ts';
import { fingerprintOf } from '../../../src/peers/fingerprint.ts';
import type { Fingerprint } from '../../../src/peers/fingerprint.ts';
import type { Invite } from '../../../src/peers/invite.ts';
import { DECISIONS } from '../../../src/protocol/chunkLayout.ts';
import type { Chunk } from '../../../src/protocol/chunkLayout.ts';
import { CODECS, PACK_STATUSES } from '../../../src/protocol/chunkReply.ts';
import type { ChunkReply } from '../../../src/protocol/chunkReply.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { compareKeys } from '../../../src/protocol/manifest.ts';
import type { MessageInput, MessageName } from '../../../src/protocol/messages.ts';
import { collisionKey, parseSafePath } from '../../../src/protocol/wirePath.ts';
import type { Dice } from './dice.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** From 0 to `most`: as often small or at the end as anywhere. */
export function someCount(dice: Dice, most: number = MOST): number {
  return dice.pick([
    0,
    Math.min(1, most),
    most,
    Math.max(0, most - 1),
    dice.below(Math.min(most + 1, 1000)),
    dice.below(most + 1),
  ]);
}

export function someHex(dice: Dice, bytes: number): string {
  return toHex(dice.bytes(bytes));
}

const LETTERS = [...'aAzZ09 ._-~$/:"\\\n\u0000\u001b\u202eéß字ẞ', '😀', '\ud800', '\u200d'];

/** A text for people: it may hold anything. */
export function someText(dice: Dice, most = 40): string {
  return dice.list(most, () => dice.pick(LETTERS)).join('');
}

const NAME_LETTERS = [...'abAB01 ._-~$%ßéẞΣς字ıſ', 'e\u0301', '😀', '\u00a0', '\u200d', 'con', '\u3164'];

/** A name that a path may hold. */
export function someName(dice: Dice): string {
  for (;;) {
    const name = Array.from({ length: 1 + dice.below(6) }, () => dice.pick(NAME_LETTERS)).join('');
    if ('path' in parseSafePath(name)) return name;
  }
}

function someTime(dice: Dice): number {
  return dice.pick([0, -1, 8.64e15, -8.64e15, 1_700_000_000_000, dice.below(2 ** 40)]);
}

type WireEntry = MessageInput<'page'>['entries'][number];

/** The entries of a small tree, in the order of a manifest. */
export function someEntries(dice: Dice, parent = '', depth = 0): WireEntry[] {
  const names = new Map(
    Array.from({ length: 1 + dice.below(4) }, () => someName(dice)).map((name) => [collisionKey(name), name]),
  );
  return [...names.entries()]
    .toSorted(([left], [right]) => compareKeys(left, right))
    .flatMap(([, name]): WireEntry[] => {
      const path = parent + name;
      if (depth < 3 && dice.isLess(0.3)) {
        return someEntries(dice, `${path}/`, depth + 1).toSpliced(0, 0, ['d', path, someTime(dice)]);
      }
      return [['f', path, someCount(dice, limits.fileBytes), someTime(dice), dice.isLess(0.5)]];
    });
}

const makers: { readonly [Name in MessageName]: (dice: Dice) => MessageInput<Name> } = {
  hello: (dice) => ({
    versions: [someCount(dice, 65_535), someCount(dice, 65_535)],
    role: dice.pick(['sender', 'receiver'] as const),
    name: someText(dice),
    codecs: dice.list(16, () => dice.pick(['zstd', 'gzip', 'stored', someText(dice, 5)])),
    limits: {
      openWants: 1 + someCount(dice, 65_534),
      ...(dice.isLess(0.5) ? { lanes: 1 + someCount(dice, 65_534) } : {}),
    },
    ...(dice.isLess(0.5) ? { proof: { invite: someHex(dice, 8), mac: someHex(dice, 32) } } : {}),
    ...(dice.isLess(0.5) ? { transfer: someHex(dice, 16) } : {}),
  }),
  offer: (dice) => ({ transfer: someHex(dice, 16), label: someText(dice) }),
  page: (dice) => ({ entries: someEntries(dice) }),
  offerEnd: (dice) => ({
    pages: someCount(dice, limits.entries),
    entries: someCount(dice, limits.entries),
    files: someCount(dice, limits.entries),
    bytes: someCount(dice),
    leftOut: someCount(dice),
  }),
  answer: (dice) => ({
    decisions: Array.from({ length: 1 + dice.below(8) }, () => [
      dice.pick(DECISIONS),
      1 + someCount(dice, limits.pageEntries - 1),
    ]),
  }),
  want: (dice) =>
    dice.isLess(0.3)
      ? {}
      : {
          have: Array.from({ length: 1 + dice.below(5) }, () =>
            dice.isLess(0.3) ? null : someHex(dice, 32),
          ),
        },
  failed: (dice) => ({ reason: dice.pick(SOURCE_FAILURES) }),
  progress: (dice) => ({ bytes: someCount(dice), entries: someCount(dice, limits.entries) }),
  outcome: (dice) => ({
    failures: Array.from({ length: 1 + dice.below(5) }, () => [
      someCount(dice, limits.entries),
      someCount(dice, limits.pageEntries - 1),
      dice.pick(DESTINATION_FAILURES),
    ]),
  }),
  receipt: (dice) => ({
    root: someHex(dice, 32),
    published: someCount(dice, limits.entries),
    same: someCount(dice, limits.entries),
    skipped: someCount(dice, limits.entries),
    failed: someCount(dice, limits.entries),
    bytes: someCount(dice),
  }),
  close: (dice) => ({
    code: dice.pick(['done', ...SESSION_FAILURES] as const),
    ...(dice.isLess(0.5) ? { message: someText(dice) } : {}),
  }),
  join: (dice) => ({
    session: someHex(dice, 16),
    lane: 1 + someCount(dice, limits.laneNumbers - 1),
    mac: someHex(dice, 32),
  }),
  lost: (dice) => ({
    lane: 1 + someCount(dice, limits.laneNumbers - 1),
    chunks: dice.list(limits.openWants, () => someCount(dice)),
  }),
  commit: (dice) => ({ commitment: someHex(dice, 32) }),
  nonce: (dice) => ({ nonce: someHex(dice, 32) }),
  reveal: (dice) => ({ nonce: someHex(dice, 32) }),
  agree: (dice) => ({ mac: someHex(dice, 32), name: someText(dice) }),
};

export function someMessage<Name extends MessageName>(name: Name, dice: Dice): MessageInput<Name> {
  return makers[name](dice);
}

export function someFingerprint(dice: Dice): Fingerprint {
  return fingerprintOf(dice.bytes(32));
}

export function someAddress(dice: Dice): Address {
  const host = dice.pick([
    `10.${dice.below(256)}.0.${dice.below(256)}`,
    `fe80::${dice.below(65_536).toString(16)}`,
    `fe80::1%eth${dice.below(10)}`,
    `host-${dice.below(1000)}.example`,
    'a'.repeat(253),
  ]);
  return { host, port: 1 + someCount(dice, 65_534) };
}

export function someInvite(dice: Dice): Invite {
  return {
    fingerprint: someFingerprint(dice),
    id: dice.bytes(8),
    token: dice.bytes(16),
    addresses: Array.from({ length: 1 + dice.below(dice.isLess(0.1) ? 16 : 3) }, () => someAddress(dice)),
  };
}

/** A range or a pack of a few bytes, so that its replies are short. */
export function someChunk(dice: Dice): Chunk {
  const index = someCount(dice);
  if (dice.isLess(0.5)) {
    return { kind: 'range', index, entry: 0, offset: 0, length: 1 + dice.below(64), ordinal: 0 };
  }
  const sizes = Array.from({ length: 1 + dice.below(6) }, () => dice.below(12));
  return { kind: 'pack', index, entries: [...sizes.keys()], sizes };
}

/** A reply that fits the chunk. */
export function someReply(dice: Dice, chunk: Chunk): ChunkReply {
  const statuses = chunk.kind === 'pack' ? chunk.sizes.map(() => dice.pick(PACK_STATUSES)) : [];
  const rawLength =
    chunk.kind === 'range'
      ? chunk.length
      : chunk.sizes.reduce((sum, size, at) => sum + (statuses[at] === 'bytes' ? size : 0), 0);
  const codec = dice.pick(CODECS);
  const body = dice.bytes(codec === 'stored' ? rawLength : dice.below(rawLength + 1));
  return { digest: dice.bytes(32), rawLength, codec, statuses, body };
}
