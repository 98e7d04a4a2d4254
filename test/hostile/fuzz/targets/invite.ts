import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { toHex, utf8 } from '../../../../src/base/bytes.ts';
import { CourierError } from '../../../../src/base/failure.ts';
import { nodeHashing } from '../../../../src/node/hashing.ts';
import { encodeInvite, parseInvite } from '../../../../src/peers/invite.ts';
import type { Invite } from '../../../../src/peers/invite.ts';
import { Dice } from '../dice.ts';
import { mutateBytes } from '../mutateBytes.ts';
import { someInvite } from '../sound.ts';
import { checkSameAgain } from '../target.ts';
import type { FuzzInput, FuzzTarget, Verdict } from '../target.ts';

const PREFIX = 'peer-courier:';
const lines = Array.from({ length: 40 }, (_, at) => encodeInvite(nodeHashing, someInvite(new Dice(0, at))));
const seeds = {
  line: lines.map(utf8),
  content: lines.map((line) =>
    Uint8Array.from(Buffer.from(line.slice(PREFIX.length), 'base64url').subarray(0, -4)),
  ),
};

/** Invites, as a line that somebody typed, and as a content whose checksum fits whatever it is. */
export function inviteTarget(): FuzzTarget {
  return {
    kinds: Object.keys(seeds),
    generate(dice) {
      const kind = dice.isLess(0.3) ? 'line' : 'content';
      return { kind, bytes: mutateBytes(dice.pick(seeds[kind]), dice, dice.pick(seeds[kind])) };
    },
    check: (input) => checkInvite(lineOf(input)),
  };
}

function lineOf({ kind, bytes }: FuzzInput): string {
  if (kind === 'line') return Buffer.from(bytes).toString();
  const checksum = createHash('sha256').update(bytes).digest().subarray(0, 4);
  return PREFIX + Buffer.concat([bytes, checksum]).toString('base64url');
}

function checkInvite(line: string): Verdict {
  try {
    const invite = parseInvite(nodeHashing, line);
    assert.deepEqual([invite.id.length, invite.token.length], [8, 16]);
    assert.ok(invite.addresses.length > 0);
    for (const { host, port } of invite.addresses) {
      assert.ok(host.length > 0 && host.length <= 253, host);
      assert.ok(Number.isInteger(port) && port > 0 && port < 65_536, `${port}`);
    }
    checkSameAgain(plain(invite), plain(parseInvite(nodeHashing, encodeInvite(nodeHashing, invite))));
    return 'taken';
  } catch (error) {
    if (CourierError.is(error, 'invite-garbled') || CourierError.is(error, 'other-invite')) return 'refused';
    throw error;
  }
}

function plain({ fingerprint, id, token, addresses }: Invite): unknown {
  return { fingerprint, id: toHex(id), token: toHex(token), addresses };
}
