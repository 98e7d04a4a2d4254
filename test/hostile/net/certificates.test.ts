/** What a stranger may show as its certificate, and what it gets for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { CourierError } from '../../../src/base/failure.ts';
import { dialTo, openReception, serveTls } from '../../support/loopback.ts';
import { VictimReceiver, victimSends } from '../support/victims.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity, WickedIdentityInit } from '../support/wickedIdentity.ts';
import { ALPN, wickedDial, wickedListen } from '../support/wickedPeer.ts';
import { HELLO, playReceiver, playSender } from '../support/wickedSession.ts';

const timeout = 30_000;
const MIB = 1024 * 1024;
const entries = [{ path: 'note', content: Buffer.from('hello') }];

/** What OpenSSL reads of a certificate list, if nobody tells it otherwise; Node has no way to. */
const MOST_CERTIFICATE_BYTES = 100 * 1024;

/** A client shows this; nothing comes of it, whether or not its own side believes in the handshake. */
async function checkRefused(
  t: TestContext,
  init: WickedIdentityInit,
  reason: RegExp,
  tls: ConnectionOptions = {},
): Promise<void> {
  const reception = await openReception(t);
  const identity = wickedIdentity(init);
  const ending = await wickedDial(reception.address, identity, { tls }).then(
    async (peer) => {
      peer.say('hello', HELLO);
      const end = await peer.ended();
      assert.equal(peer.seen.length, 0, 'it was told something');
      return end;
    },
    (error: unknown) => error,
  );
  t.diagnostic(JSON.stringify(ending) ?? '');
  assert.equal(reception.inbounds.length, 0);
  assert.equal(reception.logged.filter((line) => reason.test(line)).length, 1, reception.logged.join());
  await dialTo(t, [reception.address]);
}

// A key of 512 bits is too short for any signature of TLS 1.3: whoever has one comes without a certificate.
const weak = { ciphers: 'DEFAULT@SECLEVEL=0' };

test('case 105: an RSA key of 512 bits is refused', { timeout }, (t) =>
  checkRefused(t, { key: 'rsa512' }, /shows no certificate/u, weak),
);
test('case 105: an RSA key of 1024 bits is refused', { timeout }, (t) =>
  checkRefused(t, { key: 'rsa1024' }, /not on P-256/u, weak),
);
test('case 105: a certificate of 1 MiB is refused before it is parsed', { timeout }, (t) =>
  checkRefused(t, { ballastBytes: MIB }, /EXCESSIVE_MESSAGE_SIZE/u),
);
test('case 105: a certificate a little beyond the bound is refused', { timeout }, (t) =>
  checkRefused(t, { ballastBytes: MOST_CERTIFICATE_BYTES }, /EXCESSIVE_MESSAGE_SIZE/u),
);

test(
  'case 105: a chain of 100 certificates is bounded by its bytes, and but for the first ignored',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const identity = wickedIdentity({ chain: 99 });
    const coming = reception.nextInbound();
    const peer = await wickedDial(reception.address, identity);
    t.after(() => peer.drop());
    assert.equal((await coming).fingerprint, identity.fingerprint.toString('hex'));
    const long = wickedIdentity({ chain: 399 });
    await assert.rejects(async () => {
      const other = await wickedDial(reception.address, long);
      const { error } = await other.ended();
      throw new Error(error);
    });
    assert.equal(reception.inbounds.length, 1);
  },
);

/** A certificate that everybody in this process believes in, and those who sign such. */
function trustedIdentity(t: TestContext): WickedIdentity {
  const authority = {
    subject: 'an authority',
    ...wickedIdentity({ subject: 'an authority', isAuthority: true }),
  };
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, authority.certificate]);
  t.after(() => setDefaultCACertificates(before));
  return wickedIdentity({ authority });
}

test(
  'case 151: a listener with a certificate that authorities vouch for, and another key',
  { timeout },
  async (t) => {
    let heard = 0;
    const ear = await serveTls(t, trustedIdentity(t), {}, (socket) => {
      socket.on('data', () => {
        heard += 1;
      });
    });
    const believer = connectTls({
      ...ear.address,
      ALPNProtocols: [ALPN],
      checkServerIdentity: () => undefined,
    });
    await once(believer, 'secureConnect');
    assert.equal(believer.authorized, true, 'anybody else would believe it');
    believer.destroy();
    const meant = wickedIdentity().fingerprint.toString('hex');
    const checkPeer = ({ fingerprint }: { readonly fingerprint: string }): void => {
      if (fingerprint !== meant) throw new CourierError('wrong-identity', 'somebody else');
    };
    await assert.rejects(dialTo(t, [ear.address], { checkPeer }), (error) =>
      CourierError.is(error, 'wrong-identity'),
    );
    await ear.allGone();
    assert.equal(heard, 0);
  },
);

test(
  'case 151: a dialler with a certificate that authorities vouch for, and another key',
  { timeout },
  async (t) => {
    const victim = await VictimReceiver.open(t);
    victim.knows(wickedIdentity());
    const peer = await wickedDial(victim.address, trustedIdentity(t));
    peer.say('hello', HELLO);
    assert.equal((await peer.ended()).code, 'not-paired');
    assert.equal(peer.seen.length, 1);
  },
);

const ages = {
  'that ended 24 years ago': { notBefore: '20000101000000Z', notAfter: '20011231235959Z' },
  'that begins in 900 years': { notBefore: '29000101000000Z', notAfter: '29991231235959Z' },
} as const;

for (const [age, dates] of Object.entries(ages)) {
  test(`case 126: a certificate ${age} is as good as another, on either side`, { timeout }, async (t) => {
    const identity = wickedIdentity(dates);
    const victim = await VictimReceiver.open(t);
    assert.ok((await playSender(await victim.meet(t, identity), { entries })) !== undefined);
    const listener = await wickedListen(identity);
    t.after(() => listener.close());
    const sending = victimSends(t, listener, identity, [import.meta.filename]);
    assert.equal((await playReceiver(await listener.accept(), { hello: { codecs: [] } })).code, 'done');
    assert.ok((await sending).receipt !== undefined);
  });
}
