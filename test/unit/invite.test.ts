import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../src/base/bytes.ts';
import { CourierError } from '../../src/base/failure.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import { encodeInvite, inviteName, inviteProof, parseInvite } from '../../src/peers/invite.ts';
import type { Invite, ProofInput } from '../../src/peers/invite.ts';
import { testProperty } from '../support/random.ts';

const PREFIX = 'peer-courier:';

/** `length` bytes: `first`, `first` + 1, … */
function bytesFrom(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => first + at);
}

const invite: Invite = {
  fingerprint: fingerprintOf(bytesFrom(1, 32)),
  id: bytesFrom(0x40, 8),
  token: bytesFrom(0xc0, 16),
  addresses: [
    { host: '192.168.1.7', port: 47_470 },
    { host: 'fe80::1%eth0', port: 47_470 },
    { host: 'laptops.local', port: 1 },
  ],
};
// Its last digit has bits to spare, which must be zero.
const line = encodeInvite(nodeHashing, invite);

/** The line of an invite whose content is `body`, with a checksum that fits. */
function lineOf(body: Uint8Array): string {
  const checksum = createHash('sha256').update(body).digest().subarray(0, 4);
  return PREFIX + Buffer.concat([body, checksum]).toString('base64url');
}

function bodyOf(text: string): Buffer {
  return Buffer.from(text.slice(PREFIX.length), 'base64url').subarray(0, -4);
}

/** Refused as garbled, without a word of what was read: neither the line nor the token in any spelling. */
function checkGarbled(text: string, what = text): void {
  assert.throws(
    () => parseInvite(nodeHashing, text),
    (error) => {
      assert.ok(CourierError.is(error, 'invite-garbled'), `${what}: ${String(error)}`);
      const told = `${error.message}${String(error.cause)}`;
      for (const secret of [
        toHex(invite.token),
        Buffer.from(invite.token).toString('base64url'),
        line.slice(70, 90),
      ]) {
        assert.ok(!told.includes(secret), `${what}: tells the token`);
      }
      return true;
    },
    what,
  );
}

test('an invite survives being written', () => {
  assert.deepEqual(parseInvite(nodeHashing, line), invite);
  assert.deepEqual(parseInvite(nodeHashing, `  \t${line}\r\n\n`), invite);
});

test('an invite lies in its line as its picture shows', () => {
  const body = Buffer.concat([
    Uint8Array.of(1),
    bytesFrom(1, 32),
    bytesFrom(0x40, 8),
    bytesFrom(0xc0, 16),
    Buffer.from('192.168.1.7:47470,[fe80::1%eth0]:47470,laptops.local:1'),
  ]);
  assert.equal(line, lineOf(body));
  assert.equal(inviteName(invite.id), '4041424344454647');
});

test('an invite to something that is shared is another line, and neither is taken for the other', () => {
  const shared = encodeInvite(nodeHashing, invite, 'share');
  assert.equal(shared, lineOf(Buffer.concat([Uint8Array.of(2), bodyOf(line).subarray(1)])));
  assert.deepEqual(parseInvite(nodeHashing, shared, 'share'), invite);
  for (const [text, kind] of [
    [shared, 'receive'],
    [line, 'share'],
  ] as const) {
    assert.throws(() => parseInvite(nodeHashing, text, kind), { code: 'other-invite', message: '' });
  }
});

test('the vectors of the page on the protocol, of both kinds', () => {
  const made: Invite = {
    fingerprint: fingerprintOf(bytesFrom(0, 32)),
    id: bytesFrom(0xa0, 8),
    token: bytesFrom(0xb0, 16),
    addresses: [
      { host: '192.0.2.7', port: 47_470 },
      { host: '2001:db8::7', port: 47_470 },
    ],
  };
  const parties = {
    token: made.token,
    exporter: bytesFrom(0x40, 32),
    dialler: fingerprintOf(bytesFrom(0x20, 32)),
    listener: made.fingerprint,
  };
  const page = readFileSync('docs/protocol.md', 'utf8');
  for (const kind of ['receive', 'share'] as const) {
    assert.ok(page.includes(`\n${encodeInvite(nodeHashing, made, kind)}\n`), kind);
    assert.ok(page.includes(`\nmac    ${toHex(inviteProof(nodeHashing, parties, kind))}\n`), kind);
  }
});

const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain().filter((host) => host.length <= 253),
  fc.constant('a'.repeat(253)),
);
const invites = fc
  .record({
    fingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    id: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    token: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    addresses: fc.array(
      fc.tuple(hosts, fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => ({ host, port })),
      { minLength: 1, maxLength: 16, size: 'max' },
    ),
  })
  .map(({ fingerprint, id, token, addresses }): Invite => ({
    fingerprint: fingerprintOf(fingerprint),
    id,
    token,
    addresses,
  }));

testProperty('every invite survives being written', invites, (each) => {
  assert.deepEqual(parseInvite(nodeHashing, encodeInvite(nodeHashing, each)), each);
});

test('of more than 16 addresses the first 16 travel', () => {
  const addresses = Array.from({ length: 20 }, (_, at) => ({ host: `10.0.0.${at}`, port: 1 }));
  const parsed = parseInvite(nodeHashing, encodeInvite(nodeHashing, { ...invite, addresses }));
  assert.deepEqual(parsed.addresses, addresses.slice(0, 16));
});

test('every change of a single character is noticed', () => {
  const others = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:+/=. é\u0000';
  for (let at = 0; at < line.length; at += 1) {
    for (const other of others) {
      if (other === line[at]) continue;
      const place = `${JSON.stringify(other)} at ${at}`;
      checkGarbled(line.slice(0, at) + other + line.slice(at + 1), place);
    }
  }
});

test('every cut, at either end, and every missing or doubled character is noticed', () => {
  for (let at = 0; at < line.length; at += 1) {
    checkGarbled(line.slice(0, at), `cut at ${at}`);
    if (at > 0) checkGarbled(line.slice(at), `cut before ${at}`);
    if (line[at] !== line[at + 1]) checkGarbled(line.slice(0, at) + line.slice(at + 1), `without ${at}`);
    checkGarbled(line.slice(0, at + 1) + line.slice(at), `twice ${at}`);
  }
});

test('what is no invite at all is garbled', () => {
  const texts = [
    `${line} ${line}`,
    line.toUpperCase(),
    line.toLowerCase(),
    `${PREFIX}${PREFIX}`,
    `${line}=`,
    `${line}\n#`,
  ];
  for (const text of [
    ...texts,
    'hello',
    `https://example.org/#${line}`,
    'A'.repeat(2 ** 20),
    PREFIX + 'A'.repeat(2 ** 20),
  ]) {
    checkGarbled(text, text.slice(0, 30));
  }
});

test('a sound checksum does not make up for a content without sense', () => {
  const body = bodyOf(line);
  const head = body.subarray(0, 57);
  const withAddresses = (text: string): Buffer => Buffer.concat([head, Buffer.from(text)]);
  assert.deepEqual(parseInvite(nodeHashing, lineOf(withAddresses('a:1'))).addresses, [
    { host: 'a', port: 1 },
  ]);
  for (const addresses of [
    '',
    ',',
    'a:1,',
    ',a:1',
    'a',
    'a:0',
    'a:1, b:1',
    'a:1\nb:1',
    Array.from({ length: 17 }, () => 'a:1').join(','),
  ]) {
    checkGarbled(lineOf(withAddresses(addresses)), addresses);
  }
  checkGarbled(lineOf(Buffer.concat([head, Uint8Array.of(0xff, 0xfe)])), 'addresses that are not UTF-8');
  checkGarbled(lineOf(Buffer.concat([Uint8Array.of(3), body.subarray(1)])), 'another version');
  for (let length = 0; length < 57; length += 1) {
    checkGarbled(lineOf(head.subarray(0, length)), `${length} bytes`);
  }
});

const proofInput: ProofInput = {
  token: invite.token,
  exporter: bytesFrom(7, 32),
  dialler: fingerprintOf(bytesFrom(80, 32)),
  listener: invite.fingerprint,
};

test('the proof is the HMAC that the page on the protocol describes', () => {
  const hmac = createHmac('sha256', invite.token).update('peer-courier/1 invite');
  hmac.update(proofInput.exporter).update(bytesFrom(80, 32)).update(bytesFrom(1, 32));
  assert.equal(toHex(inviteProof(nodeHashing, proofInput)), hmac.digest('hex'));
});

test('the proof for something that is shared is another one', () => {
  const hmac = createHmac('sha256', invite.token).update('peer-courier/1 share');
  hmac.update(proofInput.exporter).update(bytesFrom(80, 32)).update(bytesFrom(1, 32));
  assert.equal(toHex(inviteProof(nodeHashing, proofInput, 'share')), hmac.digest('hex'));
});

test('the proof differs with each bit of each input', () => {
  const proofs = new Set([toHex(inviteProof(nodeHashing, proofInput))]);
  let expected = 1;
  const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
    bytes.map((byte, at) => (at === Math.floor(bit / 8) ? byte ^ (2 ** (bit % 8)) : byte));
  const add = (change: Partial<ProofInput>): void => {
    proofs.add(toHex(inviteProof(nodeHashing, { ...proofInput, ...change })));
    expected += 1;
  };
  for (let bit = 0; bit < 128; bit += 1) add({ token: flipped(proofInput.token, bit) });
  for (let bit = 0; bit < 256; bit += 1) {
    add({ exporter: flipped(proofInput.exporter, bit) });
    add({ dialler: fingerprintOf(flipped(bytesFrom(80, 32), bit)) });
    add({ listener: fingerprintOf(flipped(bytesFrom(1, 32), bit)) });
  }
  add({ dialler: proofInput.listener, listener: proofInput.dialler });
  assert.equal(proofs.size, expected);
});
