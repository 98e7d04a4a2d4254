import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  fingerprintInInvite,
  inviteInLink,
  inviteLink,
  kindOfInvite,
} from '../../src/editor/model/inviteLink.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import { encodeInvite } from '../../src/peers/invite.ts';
import { testProperty } from '../support/random.ts';
import fc from 'fast-check';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

testProperty(
  'an invite survives being a link, and its fingerprint is told',
  fc.record({ fingerprint: bytes(32), id: bytes(8), token: bytes(16) }),
  ({ fingerprint, id, token }) => {
    const made = {
      fingerprint: fingerprintOf(fingerprint),
      id,
      token,
      addresses: [{ host: '192.0.2.7', port: 47_470 }],
    };
    for (const kind of ['receive', 'share'] as const) {
      const invite = encodeInvite(nodeHashing, made, kind);
      const link = new URL(inviteLink('vscode', invite));
      assert.equal(link.protocol, 'vscode:');
      assert.equal(inviteInLink({ path: link.pathname, query: link.search.slice(1) }), invite);
      assert.equal(fingerprintInInvite(invite), made.fingerprint);
      assert.equal(kindOfInvite(invite), kind);
    }
  },
);

test('a link leads to this extension', () => {
  const { publisher, name } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
  assert.equal(new URL(inviteLink('vscode', 'peer-courier:AAAA')).host, `${publisher}.${name}`);
});

test('other links are no invites', () => {
  const body = 'A'.repeat(60);
  for (const [path, query] of [
    ['/', body],
    ['/invite/', body],
    ['/other', body],
    ['/invite', ''],
    ['/invite', 'A'.repeat(39)],
    ['/invite', 'A'.repeat(8193)],
    ['/invite', `${body}&more=1`],
    ['/invite', `${body}\n`],
    ['/invite', `peer-courier:${body}`],
  ] as const) {
    assert.equal(inviteInLink({ path, query }), undefined, `${path}?${query.slice(0, 80)}`);
  }
});

test('what is no invite names no fingerprint', () => {
  for (const invite of ['peer-courier:', 'peer-courier:AAAA', 'peer-courier:****']) {
    assert.equal(fingerprintInInvite(invite), undefined, invite);
  }
});
