import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { goesOnWhenCrossed } from '../../src/peers/crossing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';
import { inviteProof } from '../../src/peers/invite.ts';
import type { InviteKind } from '../../src/peers/invite.ts';
import { judgeShare } from '../../src/peers/trust.ts';
import type { OpenShare, ShareBook, ShareIntroduction } from '../../src/peers/trust.ts';

const fingerprint = (fill: number): Fingerprint => fingerprintOf(new Uint8Array(32).fill(fill));
const FRIEND = fingerprint(1);
const STRANGER = fingerprint(2);
const US = fingerprint(3);
const OTHER = fingerprint(4);
const BLOCKED = fingerprint(5);
const TOKEN = new Uint8Array(16).fill(9);
const EXPORTER = new Uint8Array(32).fill(8);
const FREE = { transfer: 'a'.repeat(32), invite: '0123456789abcdef', peer: undefined };
const TAKEN = { transfer: 'b'.repeat(32), invite: 'fedcba9876543210', peer: FRIEND };
/** Redeemed by somebody who was forgotten since. */
const FORGOTTEN = { transfer: 'c'.repeat(32), invite: '00000000000000ff', peer: OTHER };

/** Redeemed by somebody who was blocked since. */
const LOST = { transfer: 'd'.repeat(32), invite: '00000000000000fe', peer: BLOCKED };

/** Knows one friend; of its shares one is free, and tokens are there for all, as if none had been spent. */
class MemoryShareBook implements ShareBook {
  readonly redeemed: string[] = [];
  readonly #shares = [FREE, TAKEN, FORGOTTEN, LOST];
  readonly #canRedeem: boolean;

  constructor({ canRedeem = true }: { readonly canRedeem?: boolean } = {}) {
    this.#canRedeem = canRedeem;
  }

  isKnown(peer: Fingerprint): boolean {
    return peer === FRIEND || peer === BLOCKED;
  }

  isBlocked(peer: Fingerprint): boolean {
    return peer === BLOCKED;
  }

  tokenOf(): Uint8Array {
    return TOKEN;
  }

  redeem(invite: string): boolean {
    if (this.#canRedeem) this.redeemed.push(invite);
    return this.#canRedeem;
  }

  byTransfer(transfer: string): OpenShare | undefined {
    return this.#shares.find((share) => share.transfer === transfer);
  }

  byInvite(invite: string): OpenShare | undefined {
    return this.#shares.find((share) => share.invite === invite);
  }
}

function proofFor(dialler: Fingerprint, invite: string, kind: InviteKind = 'share') {
  const parties = { token: TOKEN, exporter: EXPORTER, dialler, listener: US };
  return { invite, mac: toHex(inviteProof(nodeHashing, parties, kind)) };
}

/** One dialler before a fresh book: the verdict, and how many invites it spent. */
function check(what: string, parts: Partial<ShareIntroduction>, verdict: string, spent = 0): void {
  test(`${what}: ${verdict}`, () => {
    const book = new MemoryShareBook();
    const introduction = {
      dialler: STRANGER,
      listener: US,
      exporter: EXPORTER,
      proof: undefined,
      transfer: undefined,
      ...parts,
    };
    const judged = judgeShare(nodeHashing, book, introduction);
    const said = 'refusal' in judged ? judged.refusal : `${judged.share.transfer[0]} ${judged.isNew}`;
    assert.equal(said, verdict);
    assert.equal(book.redeemed.length, spent);
  });
}

check('a stranger with a good proof', { proof: proofFor(STRANGER, FREE.invite) }, 'a true', 1);
check(
  'a friend with a good proof spends it, too: it is for one receiver',
  { dialler: FRIEND, proof: proofFor(FRIEND, FREE.invite) },
  'a true',
  1,
);
check('its receiver, under its name', { dialler: FRIEND, transfer: TAKEN.transfer }, 'b false');
check(
  'its receiver, who has not heard the name, under the invite',
  { dialler: FRIEND, proof: { invite: TAKEN.invite, mac: '00' } },
  'b false',
);
check('nobody with nothing', {}, 'not-paired');
check('a stranger under the name of another’s', { transfer: TAKEN.transfer }, 'not-paired');
check('a stranger under the name of a free one', { transfer: FREE.transfer }, 'not-paired');
check('a friend with nothing', { dialler: FRIEND }, 'invite-refused');
check(
  'a friend under the name of a free one',
  { dialler: FRIEND, transfer: FREE.transfer },
  'invite-refused',
);
check(
  'a friend under the name of another’s',
  { dialler: FRIEND, transfer: FORGOTTEN.transfer },
  'invite-refused',
);
check('a receiver who is not known any more', { dialler: OTHER, transfer: FORGOTTEN.transfer }, 'not-paired');
check('its receiver, blocked since', { dialler: BLOCKED, transfer: LOST.transfer }, 'not-paired');
check(
  'somebody blocked with a good proof',
  { dialler: BLOCKED, proof: proofFor(BLOCKED, FREE.invite) },
  'invite-refused',
);
check('a stranger with the invite of another', { proof: proofFor(STRANGER, TAKEN.invite) }, 'invite-refused');
check(
  'the proof of an ordinary invite',
  { proof: proofFor(STRANGER, FREE.invite, 'receive') },
  'invite-refused',
);
check('a proof of another dialler', { proof: proofFor(OTHER, FREE.invite) }, 'invite-refused');
check('a proof under no invite of ours', { proof: proofFor(STRANGER, '1'.repeat(16)) }, 'invite-refused');
check(
  'a proof from another connection',
  { proof: proofFor(STRANGER, FREE.invite), exporter: new Uint8Array(32) },
  'invite-refused',
);
check(
  'a proof and the name of another’s',
  { proof: proofFor(STRANGER, FREE.invite), transfer: TAKEN.transfer },
  'a true',
  1,
);

test('whoever comes second to redeem stays out', () => {
  const book = new MemoryShareBook({ canRedeem: false });
  const introduction = {
    dialler: STRANGER,
    listener: US,
    exporter: EXPORTER,
    proof: proofFor(STRANGER, FREE.invite),
    transfer: undefined,
  };
  assert.deepEqual(judgeShare(nodeHashing, book, introduction), { refusal: 'invite-refused' });
});

test('of two connections that cross, exactly one goes on', () => {
  assert.equal(goesOnWhenCrossed(FRIEND, STRANGER), true);
  assert.equal(goesOnWhenCrossed(STRANGER, FRIEND), false);
});
