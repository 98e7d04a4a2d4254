import { concatBytes } from '../../../src/base/bytes.ts';
import type { Dice } from './dice.ts';
import { NASTY_BYTES, NASTY_WORDS } from './nasty.ts';

type Mutation = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array;

/** `bytes` with `removed` of them at `at` replaced by `put`. */
export function spliced(bytes: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, at), put, bytes.subarray(at + removed)]);
}

/** A part of `bytes`: where it begins and how long it is. Short more often than long. */
function partOf(bytes: Uint8Array, dice: Dice): readonly [at: number, length: number] {
  const at = dice.below(bytes.length + 1);
  const most = dice.isLess(0.8) ? Math.min(16, bytes.length - at) : bytes.length - at;
  return [at, dice.below(most + 1)];
}

const mutations: readonly Mutation[] = [
  function flipBit(bytes, dice) {
    const changed = Uint8Array.from(bytes);
    const at = dice.below(bytes.length);
    if (bytes.length > 0) changed[at] = (changed[at] ?? 0) ^ (2 ** dice.below(8));
    return changed;
  },
  function setByte(bytes, dice) {
    const changed = Uint8Array.from(bytes);
    if (bytes.length > 0) changed[dice.below(bytes.length)] = dice.below(256);
    return changed;
  },
  function setWord(bytes, dice) {
    if (bytes.length < 4) return bytes;
    const changed = Uint8Array.from(bytes);
    new DataView(changed.buffer).setUint32(dice.below(bytes.length - 3), dice.pick(NASTY_WORDS));
    return changed;
  },
  (bytes, dice) => spliced(bytes, dice.below(bytes.length + 1), 0, dice.pick(NASTY_BYTES)),
  (bytes, dice) => spliced(bytes, dice.below(bytes.length + 1), 0, dice.bytes(1 + dice.below(4))),
  (bytes, dice) => spliced(bytes, ...partOf(bytes, dice), new Uint8Array(0)),
  function repeatPart(bytes, dice) {
    const [at, length] = partOf(bytes, dice);
    return spliced(bytes, at, 0, bytes.subarray(at, at + length));
  },
  (bytes, dice) => bytes.subarray(0, dice.below(bytes.length + 1)),
  function splice(bytes, dice, other) {
    const head = bytes.subarray(0, dice.below(bytes.length + 1));
    return concatBytes([head, other.subarray(dice.below(other.length + 1))]);
  },
];

/** `bytes` with one to three things wrong; `other` is what parts of another sound input are taken from. */
export function mutateBytes(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let count = 1 + dice.below(3); count > 0; count -= 1) {
    mutated = dice.pick(mutations)(mutated, dice, other);
  }
  return mutated;
}
