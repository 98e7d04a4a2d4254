/** Case 23: what is said is understood as it was meant, by each encoder; and binary encodings have one form only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromBase64Url, fromHex, toBase64Url, toHex } from '../../../src/base/bytes.ts';
import { nodeHashing } from '../../../src/node/hashing.ts';
import { formatAddress, parseAddress } from '../../../src/peers/address.ts';
import { encodeInvite, parseInvite } from '../../../src/peers/invite.ts';
import { decodeReply, encodeReplyHead } from '../../../src/protocol/chunkReply.ts';
import { decodeHeader, encodeHeader, FrameType, HEADER_BYTES } from '../../../src/protocol/frame.ts';
import { decodeMessage, encodeMessage } from '../../../src/protocol/messages.ts';
import { messageNames } from '../../support/messageChecks.ts';
import { seed } from '../../support/random.ts';
import { isRemoteError } from '../../support/samples.ts';
import { Dice } from './dice.ts';
import { someAddress, someChunk, someCount, someInvite, someMessage, someReply } from './sound.ts';

/** Of each encoder so many values; a million together. */
const COUNTS = {
  headers: 500_000,
  replies: 100_000,
  messages: 150_000,
  invites: 20_000,
  addresses: 80_000,
  digits: 150_000,
};

function roundTrip(what: keyof typeof COUNTS, check: (dice: Dice) => boolean): void {
  const count = COUNTS[what];
  test(`case 23: ${count.toLocaleString('en')} random ${what} there and back (seed ${seed})`, () => {
    const dice = new Dice(seed);
    for (let run = 0; run < count; run += 1) {
      if (!check(dice)) assert.fail(`${what} number ${run} of seed ${seed}`);
    }
  });
}

const TYPES = Object.values(FrameType);

roundTrip('headers', (dice) => {
  const header = { type: dice.pick(TYPES), length: someCount(dice, 2 ** 32 - 1), index: someCount(dice) };
  const { type, length, index } = decodeHeader(encodeHeader(header));
  return type === header.type && length === header.length && index === header.index;
});

roundTrip('replies', (dice) => {
  const chunk = someChunk(dice);
  const reply = someReply(dice, chunk);
  const bytes = concatBytes([encodeReplyHead(reply), reply.body]);
  const again = decodeReply(bytes, chunk);
  return (
    again.rawLength === reply.rawLength &&
    again.codec === reply.codec &&
    again.statuses.join() === reply.statuses.join() &&
    Buffer.compare(again.digest, reply.digest) === 0 &&
    Buffer.compare(again.body, reply.body) === 0
  );
});

roundTrip('messages', (dice) => {
  const name = dice.pick(messageNames);
  const message = someMessage(name, dice);
  return JSON.stringify(decodeMessage(name, encodeMessage(name, message))) === JSON.stringify(message);
});

roundTrip('invites', (dice) => {
  const invite = someInvite(dice);
  const line = encodeInvite(nodeHashing, invite);
  const again = parseInvite(nodeHashing, line);
  return (
    encodeInvite(nodeHashing, again) === line &&
    again.fingerprint === invite.fingerprint &&
    toHex(again.token) === toHex(invite.token) &&
    toHex(again.id) === toHex(invite.id) &&
    JSON.stringify(again.addresses) === JSON.stringify(invite.addresses)
  );
});

roundTrip('addresses', (dice) => {
  const address = someAddress(dice);
  const again = parseAddress(formatAddress(address));
  return again?.host === address.host && again.port === address.port;
});

roundTrip('digits', (dice) => {
  const bytes = dice.bytes(dice.below(12));
  const [hex, base64] = [fromHex(toHex(bytes)), fromBase64Url(toBase64Url(bytes))];
  return (
    hex !== undefined &&
    base64 !== undefined &&
    Buffer.compare(hex, bytes) === 0 &&
    Buffer.compare(base64, bytes) === 0
  );
});

test(`case 23: of 200,000 random headers those that are taken are what would be said (seed ${seed})`, () => {
  const dice = new Dice(seed);
  let taken = 0;
  for (let run = 0; run < 200_000; run += 1) {
    const bytes = new Uint8Array(HEADER_BYTES);
    const places = [0, 0, 1, 2, 3, 4, 5, 8, 9, 15];
    for (let change = dice.below(4); change >= 0; change -= 1) {
      bytes[dice.pick(places)] = dice.pick([0, 1, 3, 14, 15, 31, 32, 255]);
    }
    try {
      const again = encodeHeader(decodeHeader(bytes));
      taken += 1;
      if (Buffer.compare(again, bytes) !== 0) assert.fail(toHex(bytes));
    } catch (error) {
      if (!isRemoteError('protocol-error')(error)) throw error;
    }
  }
  assert.ok(taken > 10_000, `only ${taken} were taken`);
});

test(`case 23: of 200,000 random texts those that are taken for digits are what would be written (seed ${seed})`, () => {
  const dice = new Dice(seed);
  let taken = 0;
  for (let run = 0; run < 200_000; run += 1) {
    const text = dice.list(8, () => dice.pick([...'0aF9f-_+/=A Z', '\u0000'])).join('');
    for (const [parse, write] of [
      [fromHex, toHex],
      [fromBase64Url, toBase64Url],
    ] as const) {
      const bytes = parse(text);
      if (bytes === undefined) continue;
      taken += 1;
      if (write(bytes) !== text) assert.fail(JSON.stringify(text));
    }
  }
  assert.ok(taken > 10_000, `only ${taken} were taken`);
});
