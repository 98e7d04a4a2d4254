/** What somebody may try who comes for what is shared, on real TLS; and that the page on the protocol is enough to come. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Scene } from '../../support/cli.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { readInvite, wickedDial } from '../support/wickedPeer.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import { HELLO, playReceiver } from '../support/wickedSession.ts';

const timeout = 60_000;
const SHARE = { tls: { ALPNProtocols: ['peer-courier-share/1'] } };
const RECEIVER = { ...HELLO, role: 'receiver' };

type WickedInvite = ReturnType<typeof readInvite>;

/** A terminal that shares one file, and its invite. */
async function shared(t: TestContext) {
  const scene = new Scene(t);
  writeFileSync(scene.path('note'), 'shared\n');
  const inviteFile = scene.path('share');
  const where = ['--host', '127.0.0.1', '--port', '0', '--share-file', inviteFile];
  const words = ['send', scene.path('note'), '--share', ...where, '--retry-for', '0'];
  const sender = scene.startWith('sender', words);
  await sender.event('invite');
  const invite = readInvite(readFileSync(inviteFile, 'utf8'));
  const { port } = await sender.event('listening');
  const address = { host: '127.0.0.1', port: Number(port) };
  return { scene, sender, invite, address };
}

/** What the page says of a proof; the test may bend each part. */
function proofOf(
  { fingerprint, id, token }: WickedInvite,
  dialler: Buffer,
  exporter: Buffer,
  { text = 'peer-courier/1 share', order = [dialler, fingerprint] } = {},
) {
  const mac = createHmac('sha256', token).update(text).update(exporter);
  for (const each of order) mac.update(each);
  return { invite: id.toString('hex'), mac: mac.digest('hex') };
}

async function come(
  t: TestContext,
  address: { readonly host: string; readonly port: number },
  identity = wickedIdentity(),
  tls = SHARE,
): Promise<WickedPeer> {
  const peer = await wickedDial(address, identity, tls);
  t.after(() => peer.socket.destroy());
  return peer;
}

test('whoever does as the page says is let in, and is offered it', { timeout }, async (t) => {
  const { sender, invite, address } = await shared(t);
  const identity = wickedIdentity();
  const peer = await come(t, address, identity);
  const proof = proofOf(invite, identity.fingerprint, peer.exporter);
  await playReceiver(peer, { hello: { proof, codecs: [] }, isDialler: true });
  assert.equal((await sender.ended).status, 0);
  assert.deepEqual(
    peer.seen.slice(0, 2).map(({ name }) => name),
    ['hello', 'offer'],
  );
});

suite('is turned away with one word, and the share is as good as before', () => {
  type Saying = (
    invite: WickedInvite,
    identity: ReturnType<typeof wickedIdentity>,
    exporter: Buffer,
  ) => object;
  const sayings: Readonly<Record<string, readonly [string, Saying]>> = {
    'nobody with nothing': ['not-paired', () => RECEIVER],
    'the name of some transfer': ['not-paired', () => ({ ...RECEIVER, transfer: 'ab'.repeat(16) })],
    'the proof of an ordinary invite': [
      'invite-refused',
      (invite, { fingerprint }, exporter) => ({
        ...RECEIVER,
        proof: proofOf(invite, fingerprint, exporter, { text: 'peer-courier/1 invite' }),
      }),
    ],
    'a proof for the other direction': [
      'invite-refused',
      (invite, { fingerprint }, exporter) => ({
        ...RECEIVER,
        proof: proofOf(invite, fingerprint, exporter, { order: [invite.fingerprint, fingerprint] }),
      }),
    ],
    'a proof of another connection': [
      'invite-refused',
      (invite, { fingerprint }) => ({ ...RECEIVER, proof: proofOf(invite, fingerprint, Buffer.alloc(32)) }),
    ],
    'another invite': [
      'invite-refused',
      (invite, { fingerprint }, exporter) => ({
        ...RECEIVER,
        proof: proofOf({ ...invite, id: Buffer.alloc(8) }, fingerprint, exporter),
      }),
    ],
    'somebody who wants to send': [
      'protocol-error',
      (invite, { fingerprint }, exporter) => ({ ...HELLO, proof: proofOf(invite, fingerprint, exporter) }),
    ],
    'a greeting that is too long': ['limit-exceeded', () => ({ ...RECEIVER, more: 'x'.repeat(20_000) })],
  };
  for (const [what, [code, saying]] of Object.entries(sayings)) {
    test(what, { timeout }, async (t) => {
      const { sender, invite, address } = await shared(t);
      const identity = wickedIdentity();
      const peer = await come(t, address, identity);
      peer.say('hello', saying(invite, identity, peer.exporter));
      assert.equal((await peer.ended()).code, code);
      assert.deepEqual(
        peer.seen.map(({ name }) => name),
        ['close'],
      );
      const other = wickedIdentity();
      const good = await come(t, address, other);
      const proof = proofOf(invite, other.fingerprint, good.exporter);
      await playReceiver(good, { hello: { proof, codecs: [] }, isDialler: true });
      assert.equal((await sender.ended).status, 0);
    });
  }

  test(
    'who speaks on before it is let in, or comes to send, to pair, or as a lane',
    { timeout },
    async (t) => {
      const { invite, address } = await shared(t);
      const identity = wickedIdentity();
      const eager = await come(t, address, identity);
      const wrong = { ...proofOf(invite, identity.fingerprint, eager.exporter), mac: '0'.repeat(64) };
      eager.say('hello', { ...RECEIVER, proof: wrong });
      eager.say('progress', { bytes: 0, entries: 0 });
      assert.match(String((await eager.ended()).code), /^(?:protocol-error|invite-refused)$/u);
      for (const [alpn, code] of [
        ['peer-courier/1', 'not-paired'],
        ['peer-courier-lane/1', 'not-paired'],
        ['peer-courier-pairing/1', 'not-pairing'],
      ] as const) {
        const peer = await come(t, address, identity, { tls: { ALPNProtocols: [alpn] } });
        assert.equal((await peer.ended()).code, code, alpn);
      }
    },
  );
});

test('of two that come with one invite, one gets in', { timeout }, async (t) => {
  const { invite, address } = await shared(t);
  const both = [wickedIdentity(), wickedIdentity()];
  const peers = await Promise.all(both.map((identity) => come(t, address, identity)));
  for (const [at, peer] of peers.entries()) {
    const identity = both[at] ?? assert.fail('nobody');
    peer.say('hello', { ...RECEIVER, proof: proofOf(invite, identity.fingerprint, peer.exporter) });
  }
  const first = await Promise.all(peers.map((peer) => peer.next()));
  assert.deepEqual(first.map((frame) => frame?.name ?? '').toSorted(), ['close', 'hello']);
});
