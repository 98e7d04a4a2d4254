import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';
import { inviteProof } from '../../src/peers/invite.ts';
import { judge } from '../../src/peers/trust.ts';
import type { Introduction, TrustBook, Verdict } from '../../src/peers/trust.ts';

const fingerprint = (fill: number): Fingerprint => fingerprintOf(new Uint8Array(32).fill(fill));
const FRIEND = fingerprint(1);
const STRANGER = fingerprint(2);
const US = fingerprint(3);
const BLOCKED = fingerprint(5);
const INVITE = '0123456789abcdef';
const TOKEN = new Uint8Array(16).fill(9);
const EXPORTER = new Uint8Array(32).fill(8);

/** Knows one friend, one that is blocked, and one invite. */
class MemoryTrustBook implements TrustBook {
  readonly redeemed: string[] = [];
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

  tokenOf(invite: string): Uint8Array | undefined {
    return invite === INVITE && this.redeemed.length === 0 ? TOKEN : undefined;
  }

  redeem(invite: string): boolean {
    if (!this.#canRedeem) return false;
    this.redeemed.push(invite);
    return true;
  }
}

function macFor(
  input: Partial<{
    token: Uint8Array;
    exporter: Uint8Array;
    dialler: Fingerprint;
    listener: Fingerprint;
  }> = {},
): string {
  return toHex(
    inviteProof(nodeHashing, { token: TOKEN, exporter: EXPORTER, dialler: STRANGER, listener: US, ...input }),
  );
}

const GOOD = { invite: INVITE, mac: macFor() };

function introductionOf(parts: Partial<Introduction>): Introduction {
  return { dialler: STRANGER, listener: US, exporter: EXPORTER, proof: GOOD, ...parts };
}

/** One dialler before a fresh book: the verdict, and how many invites it spent. */
function check(what: string, parts: Partial<Introduction>, verdict: Verdict, spent: number): void {
  test(`${what}: ${verdict}`, () => {
    const book = new MemoryTrustBook();
    assert.equal(judge(nodeHashing, book, introductionOf(parts)), verdict);
    assert.deepEqual(
      book.redeemed,
      Array.from({ length: spent }, () => INVITE),
    );
  });
}

check('a known peer', { dialler: FRIEND, proof: undefined }, 'known', 0);
check(
  'a known peer with a good proof spends no invite',
  { dialler: FRIEND, proof: { invite: INVITE, mac: macFor({ dialler: FRIEND }) } },
  'known',
  0,
);
check(
  'a known peer with a wrong proof',
  { dialler: FRIEND, proof: { invite: INVITE, mac: '00' } },
  'known',
  0,
);
check('a blocked peer hears what a stranger hears', { dialler: BLOCKED, proof: undefined }, 'not-paired', 0);
check(
  'a blocked peer with a good proof hears what a wrong one does, and spends no invite',
  { dialler: BLOCKED, proof: { invite: INVITE, mac: macFor({ dialler: BLOCKED }) } },
  'invite-refused',
  0,
);
check('a stranger without a proof', { proof: undefined }, 'not-paired', 0);
check('a stranger with a good proof', {}, 'invited', 1);
check('an unknown invite', { proof: { invite: 'fedcba9876543210', mac: macFor() } }, 'invite-refused', 0);
check(
  'a proof under another token',
  { proof: { invite: INVITE, mac: macFor({ token: new Uint8Array(16) }) } },
  'invite-refused',
  0,
);
check(
  'a proof from another connection',
  { proof: { invite: INVITE, mac: macFor({ exporter: new Uint8Array(32) }) } },
  'invite-refused',
  0,
);
check(
  'a proof of another dialler',
  { proof: { invite: INVITE, mac: macFor({ dialler: fingerprint(4) }) } },
  'invite-refused',
  0,
);
check(
  'a proof to another listener',
  { proof: { invite: INVITE, mac: macFor({ listener: fingerprint(4) }) } },
  'invite-refused',
  0,
);
check(
  'a proof that is replayed on another connection',
  { exporter: new Uint8Array(32).fill(7) },
  'invite-refused',
  0,
);
check('a proof that is replayed by another dialler', { dialler: fingerprint(4) }, 'invite-refused', 0);
check(
  'a proof with one digit changed',
  { proof: { invite: INVITE, mac: `${macFor().slice(0, -1)}${macFor().endsWith('0') ? '1' : '0'}` } },
  'invite-refused',
  0,
);
for (const mac of ['', '00', macFor().slice(2), `${macFor()}00`, macFor().toUpperCase(), 'x'.repeat(64)]) {
  check(
    `a proof of ${mac.length} characters that is none, ${mac.slice(0, 4)}`,
    { proof: { invite: INVITE, mac } },
    'invite-refused',
    0,
  );
}

test('an invite lets in once', () => {
  const book = new MemoryTrustBook();
  const verdicts = [1, 2].map(() => judge(nodeHashing, book, introductionOf({})));
  assert.deepEqual(verdicts, ['invited', 'invite-refused']);
});

test('whoever comes second to redeem stays out', () => {
  assert.equal(
    judge(nodeHashing, new MemoryTrustBook({ canRedeem: false }), introductionOf({})),
    'invite-refused',
  );
});
