import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import type { IdentityPem } from '../../src/node/identity/identity.ts';
import { identifyPeer } from '../../src/node/net/tlsOptions.ts';
import { foreignKeys, newForeignPem, newIdentity } from '../support/certificates.ts';
import { closedAfter, connectForeign, dialTo, openReception, serveTls } from '../support/loopback.ts';
import type { Stand } from '../support/loopback.ts';

/** Who gets through the handshake, and what both ends know of each other then. */

const timeout = 20_000;

function isFailure(code: FailureCode): (error: unknown) => boolean {
  return (error) => CourierError.is(error, code);
}

/** A server with this certificate, and all that it was told. */
async function openEar(t: TestContext, pem: IdentityPem): Promise<Stand & { readonly heard: () => string }> {
  let heard = '';
  const stand = await serveTls(t, pem, {}, (socket) => {
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
    });
    socket.write('tell me everything');
  });
  return { ...stand, heard: () => heard };
}

test(
  'case 156: both ends prove their keys and share a secret that no other connection has',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const identity = await newIdentity();
    const exporters: string[] = [];
    for (let time = 0; time < 2; time += 1) {
      const coming = reception.nextInbound();
      const dialled = await dialTo(t, [reception.address], { identity });
      const inbound = await coming;
      assert.equal(dialled.fingerprint, reception.identity.fingerprint);
      assert.equal(inbound.fingerprint, identity.fingerprint);
      assert.equal(dialled.exporter.length, 32);
      assert.deepEqual([...dialled.exporter], [...inbound.exporter]);
      assert.deepEqual(dialled.address, reception.address);
      assert.equal(inbound.remoteAddress, '127.0.0.1');
      exporters.push(Buffer.from(dialled.exporter).toString('hex'));
    }
    assert.equal(new Set(exporters).size, 2);
  },
);

test('it is TLS 1.3 with our protocol, and nothing names whom we look for', { timeout }, async (t) => {
  const server = await newIdentity();
  const seen: Record<string, unknown>[] = [];
  const { address } = await serveTls(t, server, {}, (socket) => {
    const { subject } = socket.getPeerCertificate();
    seen.push({
      version: socket.getProtocol(),
      alpn: socket.alpnProtocol,
      name: socket.servername,
      subject: { ...subject },
    });
    socket.end();
  });
  const { channel } = await dialTo(t, [address]);
  for await (const _bytes of channel.inbound) assert.fail('it said something');
  assert.deepEqual(seen, [
    { version: 'TLSv1.3', alpn: 'peer-courier/1', name: false, subject: { CN: 'peer-courier' } },
  ]);
});

const strangers: Readonly<Record<string, () => Promise<Parameters<typeof connectForeign>[2]>>> = {
  'case 105, 152: a client without a certificate': () => Promise.resolve({}),
  'a client without ALPN': async () => ({ ...(await newPem()), ALPNProtocols: [] }),
  'a client with another ALPN': async () => ({ ...(await newPem()), ALPNProtocols: ['http/1.1', 'h2'] }),
  'a client with the next version of our ALPN alone': async () => ({
    ...(await newPem()),
    ALPNProtocols: ['peer-courier/2'],
  }),
  'case 155: a client with TLS 1.2': async () => ({
    ...(await newPem()),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
  }),
  'case 155: a client with suites that neither encrypt nor authenticate': async () => ({
    ...(await newPem()),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.2',
    ciphers: 'eNULL:aNULL@SECLEVEL=0',
  }),
};

async function newPem(): Promise<{ key: string; cert: string }> {
  const { privateKey, certificate } = await newIdentity();
  return { key: privateKey, cert: certificate };
}

for (const [who, options] of Object.entries(strangers)) {
  test(`${who} is refused and told nothing`, { timeout }, async (t) => {
    const reception = await openReception(t);
    const client = connectForeign(t, reception.address, await options());
    client.write('hello');
    // What it reads are records of the handshake; none of them is ours.
    assert.equal(await closedAfter(client), 0);
    assert.deepEqual(reception.inbounds, []);
    await dialTo(t, [reception.address]);
  });
}

for (const key of foreignKeys) {
  test(`case 105: a key of another kind is refused by both ends: ${key}`, { timeout }, async (t) => {
    const foreign = await newForeignPem(key);
    const reception = await openReception(t);
    const client = connectForeign(t, reception.address, {
      key: foreign.privateKey,
      cert: foreign.certificate,
    });
    assert.equal(await closedAfter(client), 0);
    assert.deepEqual(reception.inbounds, []);
    const ear = await openEar(t, foreign);
    await assert.rejects(dialTo(t, [ear.address]), isFailure('wrong-identity'));
    await ear.allGone();
    assert.equal(ear.heard(), '');
  });
}

test('case 155: a server of another kind is refused', { timeout }, async (t) => {
  const identity = await newIdentity();
  for (const options of [
    { ALPNProtocols: ['http/1.1'] },
    { ALPNProtocols: [] },
    { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const,
  ]) {
    const { address } = await serveTls(t, identity, options);
    await assert.rejects(dialTo(t, [address]), isFailure('not-peer-courier'), JSON.stringify(options));
  }
});

test(
  'case 150: a peer that is not the one meant is left before a byte of ours is sent',
  { timeout },
  async (t) => {
    const impostor = await newIdentity();
    const ear = await openEar(t, impostor);
    const meant = await newIdentity();
    let checked = 0;
    const checkPeer = ({ fingerprint }: { readonly fingerprint: string }): void => {
      checked += 1;
      assert.equal(fingerprint, impostor.fingerprint);
      if (fingerprint !== meant.fingerprint) throw new CourierError('wrong-identity', 'somebody else');
    };
    await assert.rejects(dialTo(t, [ear.address], { checkPeer }), isFailure('wrong-identity'));
    assert.equal(checked, 1);
    await ear.allGone();
    assert.equal(ear.heard(), '');
    // The same ear hears what is meant for it.
    const { channel } = await dialTo(t, [ear.address]);
    await channel.send([Buffer.from('something')]);
    await channel.close();
    await ear.allGone();
    assert.equal(ear.heard(), 'something');
  },
);

test('what the peer says at once is there when somebody listens', { timeout }, async (t) => {
  const { address } = await serveTls(t, await newIdentity(), {}, (socket) => socket.end('early words'));
  const { channel } = await dialTo(t, [address]);
  let heard = '';
  for await (const bytes of channel.inbound) heard += Buffer.from(bytes).toString();
  assert.equal(heard, 'early words');
});

test('a session that is offered again is not resumed', { timeout }, async (t) => {
  const reception = await openReception(t);
  const credentials = await newPem();
  let session: Buffer | undefined;
  const handshakes: boolean[] = [];
  for (let time = 0; time < 3; time += 1) {
    const coming = reception.nextInbound();
    const client = connectForeign(t, reception.address, {
      ...credentials,
      ...(session === undefined ? {} : { session }),
    });
    client.on('session', (made: Buffer) => {
      session = made;
    });
    await once(client, 'secureConnect');
    handshakes.push(client.isSessionReused());
    const inbound = await coming;
    assert.equal(inbound.fingerprint.length, 64);
    // Whatever sessions there are come before the first byte.
    await inbound.channel.send([Buffer.from('after the sessions')]);
    await Promise.all([inbound.channel.close(), closedAfter(client)]);
  }
  t.diagnostic(
    session === undefined ? 'no session was handed out' : 'a session was handed out, and not taken back',
  );
  assert.deepEqual(handshakes, [false, false, false]);
});

test('a resumed session is refused, whoever allowed it', { timeout }, async (t) => {
  const credentials = await newPem();
  const verdicts: unknown[] = [];
  const judge = (socket: TLSSocket): void => {
    try {
      verdicts.push(identifyPeer(socket).fingerprint.length);
    } catch (error) {
      verdicts.push(CourierError.is(error) ? error.message : error);
    }
  };
  const { address } = await serveTls(t, await newIdentity(), {}, (socket) => {
    judge(socket);
    socket.end('after the sessions');
  });
  let session: Buffer | undefined;
  for (let time = 0; time < 2; time += 1) {
    const client = connectForeign(t, address, {
      ...credentials,
      ...(session === undefined ? {} : { session }),
    });
    client.on('session', (made: Buffer) => {
      session = made;
    });
    await once(client, 'secureConnect');
    judge(client);
    await closedAfter(client);
  }
  assert.deepEqual(verdicts.slice(0, 2), [64, 64]);
  assert.deepEqual(verdicts.slice(2), ['a resumed TLS session', 'a resumed TLS session']);
});

test('we offer no session, however many the peer hands out', { timeout }, async (t) => {
  const reused: boolean[] = [];
  let heard = '';
  const { address } = await serveTls(t, await newIdentity(), {}, (socket) => {
    reused.push(socket.isSessionReused());
    socket.end('after the sessions;');
  });
  const identity = await newIdentity();
  for (let time = 0; time < 3; time += 1) {
    const { channel } = await dialTo(t, [address], { identity });
    for await (const bytes of channel.inbound) heard += Buffer.from(bytes).toString();
    await channel.close();
  }
  assert.equal(heard, 'after the sessions;'.repeat(3));
  assert.deepEqual(reused, [false, false, false]);
});
