/** Two devices pair, and somebody who holds a key of their own is between them. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { concatBytes, fromHex, fromUtf8, toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import { Pairing } from '../../src/peers/pairing.ts';
import { commitment, pairingCode } from '../../src/peers/pairingCode.ts';
import type { Pair } from '../../src/peers/pairingCode.ts';
import { HEADER_BYTES } from '../../src/protocol/frame.ts';
import { createRandom } from '../support/random.ts';
import { frame } from '../support/samples.ts';

/** So few codes that a guess is right now and then. */
const CODES = 100;
const RUNS = 100_000;
const SEED = 20_261_122;

const random = createRandom(SEED);
const draw = (): Uint8Array => new Uint8Array(32).map(() => random() * 256);
const alice = fingerprintOf(draw());
const bob = fingerprintOf(draw());
const mallory = fingerprintOf(draw());

/** Alice's talk, who dialled and reached somebody else, and Bob's, whom somebody else dialled. */
interface Talks {
  readonly withAlice: Pair;
  readonly withBob: Pair;
  readonly atAlice: Pairing;
  readonly atBob: Pairing;
}

function beginTalks(): Talks {
  const withAlice = { dialler: alice, listener: mallory, exporter: draw() };
  const withBob = { dialler: mallory, listener: bob, exporter: draw() };
  const shared = { hashing: nodeHashing, now: 0, name: '', codes: CODES };
  return {
    withAlice,
    withBob,
    atAlice: new Pairing({ ...shared, side: 'dialler', pair: withAlice, nonce: draw() }),
    atBob: new Pairing({ ...shared, side: 'listener', pair: withBob, nonce: draw() }),
  };
}

/** What an end says in a frame of its own: the one value that it holds. */
function valueSaid(pairing: Pairing): Uint8Array {
  const said = fromUtf8(concatBytes(pairing.takeOutput()).subarray(HEADER_BYTES));
  const value = /"(?<hex>[0-9a-f]{64})"/u.exec(said)?.groups?.['hex'];
  assert.ok(value !== undefined, said);
  return fromHex(value) ?? new Uint8Array(0);
}

/** Has an end hear a frame; the code that it shows after it, if it does. */
function tell(pairing: Pairing, bytes: Uint8Array): string | undefined {
  for (const event of pairing.receive(bytes, 0)) {
    if (event.type === 'asked') pairing.admit();
    if (event.type === 'code') return event.code;
  }
  return undefined;
}

function sayCommit(pairing: Pairing, nonce: Uint8Array, pair: Pair): void {
  tell(pairing, frame('commit', { commitment: toHex(commitment(nodeHashing, nonce, pair)) }));
}

function sayNonce(pairing: Pairing, name: 'nonce' | 'reveal', nonce: Uint8Array): string | undefined {
  return tell(pairing, frame(name, { nonce: toHex(nonce) }));
}

/** A way to be in the middle: the codes that Alice and Bob see in the end. */
type Attack = (talks: Talks) => readonly [string | undefined, string | undefined];

const attacks: Readonly<Record<string, Attack>> = {
  /** Hears Bob's nonce before it gives Alice one, which it chooses so that Alice's code would be right if her nonce were nothing. */
  'choosing what Alice hears': ({ atAlice, atBob, withAlice, withBob }) => {
    valueSaid(atAlice);
    const own = draw();
    sayCommit(atBob, own, withBob);
    const ofBob = valueSaid(atBob);
    const bobWillSee = pairingCode(nodeHashing, withBob, { dialler: own, listener: ofBob }, CODES);
    const nothing = new Uint8Array(32);
    let chosen = draw();
    const wouldFit = (): boolean =>
      pairingCode(nodeHashing, withAlice, { dialler: nothing, listener: chosen }, CODES) === bobWillSee;
    for (let tries = 0; tries < 2 && !wouldFit(); tries += 1) chosen = draw();
    const ofAlice = sayNonce(atAlice, 'nonce', chosen);
    return [ofAlice, sayNonce(atBob, 'reveal', own)];
  },
  /** Knows Alice's code before it fixes its nonce for Bob. */
  'fixing what Bob hears late': ({ atAlice, atBob, withBob }) => {
    valueSaid(atAlice);
    const ofAlice = sayNonce(atAlice, 'nonce', draw());
    const own = draw();
    sayCommit(atBob, own, withBob);
    return [ofAlice, sayNonce(atBob, 'reveal', own)];
  },
  /** Passes on all nonces as they are, and fixes for Bob what Alice will reveal. */
  'passing on nonces': ({ atAlice, atBob, withBob }) => {
    valueSaid(atAlice);
    const ofAlice = sayNonce(atAlice, 'nonce', draw());
    const revealed = valueSaid(atAlice);
    sayCommit(atBob, revealed, withBob);
    return [ofAlice, sayNonce(atBob, 'reveal', revealed)];
  },
};

suite(`case 157: whoever is in the middle has one guess (seed ${SEED})`, () => {
  const runs = Math.floor(RUNS / Object.keys(attacks).length);
  for (const [name, attack] of Object.entries(attacks)) {
    test(name, (context) => {
      let successes = 0;
      for (let run = 0; run < runs; run += 1) {
        const [atAlice, atBob] = attack(beginTalks());
        assert.ok(atAlice !== undefined && atBob !== undefined, 'both come to a code');
        if (atAlice === atBob) successes += 1;
      }
      const expected = runs / CODES;
      const deviation = Math.sqrt(expected * (1 - 1 / CODES));
      context.diagnostic(
        `${successes} of ${runs}, one in ${CODES} is ${expected}, one deviation ${deviation}`,
      );
      assert.ok(Math.abs(successes - expected) <= 3 * deviation, `${successes}, expected ${expected}`);
    });
  }
});

test('what Alice has fixed is of no use with Bob: it is bound to her and to whom she has reached', () => {
  const { atAlice, atBob, withAlice } = beginTalks();
  tell(atBob, frame('commit', { commitment: toHex(valueSaid(atAlice)) }));
  sayNonce(atAlice, 'nonce', valueSaid(atBob));
  assert.equal(sayNonce(atBob, 'reveal', valueSaid(atAlice)), undefined);
  assert.equal(atBob.state, 'closed');
  assert.equal(withAlice.dialler, alice);
});
