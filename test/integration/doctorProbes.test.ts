/** Real sockets, and what the doctor sees of them: how far one gets with an address, and whether a port can be had. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { PathEnd } from '../../src/doctor/facts.ts';
import { askedPeer, probePath, probePeer } from '../../src/engine/doctorPeer.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { tryPort } from '../../src/node/net/portProbe.ts';
import type { Address } from '../../src/peers/address.ts';
import { formatAddress } from '../../src/peers/address.ts';
import { encodeHeader, FrameType } from '../../src/protocol/frame.ts';
import { encodeMessage } from '../../src/protocol/messages.ts';
import { newIdentity } from '../support/certificates.ts';
import { closedPort, LOOPBACK, nextText, openReception, serveTcp, serveTls } from '../support/loopback.ts';
import { scratchFolder } from '../support/scratch.ts';

const timeout = 20_000;
const identity = await newIdentity();

async function endAt(
  address: Address,
  more: Partial<Parameters<typeof probePath>[0]> = {},
): Promise<PathEnd> {
  const { signal } = new AbortController();
  return (await probePath({ address, identity, signal, ...more })).end;
}

test('a closed port', { timeout }, async () => {
  assert.equal(await endAt(await closedPort()), 'refused');
});

test('an address that leads nowhere', { timeout }, async () => {
  const path = await probePath({
    address: { host: '255.255.255.255', port: 9 },
    identity,
    signal: new AbortController().signal,
  });
  assert.equal(path.end, 'unreachable');
  assert.match(path.code, /^E[A-Z]+$/u);
});

test('a port that takes connections and says nothing', { timeout }, async (t) => {
  const silent = await serveTcp(t);
  assert.equal(await endAt(silent.address), 'silent');
  await silent.allGone();
});

test('a port that hangs up', { timeout }, async (t) => {
  assert.equal(await endAt((await serveTcp(t, (socket) => socket.resetAndDestroy())).address), 'hung-up');
  assert.equal(await endAt((await serveTcp(t, (socket) => socket.end())).address), 'hung-up');
});

test('a web server', { timeout }, async (t) => {
  const server = createServer((_, response) => response.end('hello'));
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  assert.equal(await endAt({ host: LOOPBACK, port }), 'not-peer-courier');
});

test('a TLS server of another protocol', { timeout }, async (t) => {
  const other = await serveTls(t, await newIdentity(), { ALPNProtocols: ['http/1.1'] });
  assert.equal(await endAt(other.address), 'not-peer-courier');
});

/** A listener that answers each greeting with these frames. */
async function answering(t: TestContext, name: 'close' | 'hello', message: unknown) {
  const reception = await openReception(t);
  const greetings: string[] = [];
  void (async () => {
    for (;;) {
      const { channel } = await reception.nextInbound();
      const greeted = await nextText(channel);
      // Whoever leaves without a word is not answered.
      if (greeted === '') continue;
      greetings.push(greeted);
      const payload = encodeMessage(name, message as never);
      await channel.send([
        encodeHeader({ type: FrameType[name], length: payload.length, index: 0 }),
        payload,
      ]);
    }
  })();
  return { ...reception, greetings };
}

test(
  'a peer that knows us, and one that does not, is busy, or speaks another version',
  { timeout },
  async (t) => {
    const hello = {
      versions: [1, 1],
      role: 'receiver',
      name: 'Boris',
      codecs: [],
      limits: { openWants: 1 },
    };
    const later = { ...hello, versions: [900, 901] };
    const cases = [
      ['hello', hello, 'greeted'],
      ['hello', later, 'version-mismatch'],
      ['close', { code: 'not-paired' }, 'not-known-there'],
      ['close', { code: 'busy' }, 'busy'],
      ['close', { code: 'version-mismatch' }, 'version-mismatch'],
      ['close', { code: 'internal' }, 'no-greeting'],
    ] as const;
    for (const [name, message, end] of cases) {
      const peer = await answering(t, name, message);
      assert.equal(await endAt(peer.address), end, end);
      // Whoever it is learns no name of ours.
      assert.match(peer.greetings[0] ?? '', /"name":""/u);
    }
  },
);

test('a peer that says nothing to a greeting', { timeout }, async (t) => {
  const reception = await openReception(t);
  assert.equal(await endAt(reception.address), 'no-greeting');
});

test('another key than the one that is meant is named and not greeted', { timeout }, async (t) => {
  const peer = await answering(t, 'close', { code: 'not-paired' });
  const expected = [{ name: 'Boris', fingerprint: 'b2'.repeat(32) }];
  const { signal } = new AbortController();
  const path = await probePath({ address: peer.address, identity, expected, signal });
  assert.equal(path.end, 'wrong-identity');
  assert.equal(path.answering?.fingerprint, peer.identity.fingerprint);
  assert.deepEqual(peer.greetings, []);
});

test('another key at an address that the peer had long ago is only somebody else', { timeout }, async (t) => {
  const state = new StateFolder(scratchFolder(t));
  const peer = await answering(t, 'close', { code: 'not-paired' });
  const { fingerprint } = await newIdentity();
  const gone = await closedPort();
  state.peers.remember({ fingerprint, name: 'Boris', addresses: [gone, peer.address] });
  const asked = askedPeer(state, { kind: 'peer', fingerprint, addresses: [] });
  const { paths } = await probePeer(asked, { state, identity, signal: new AbortController().signal });
  assert.deepEqual(
    paths.map(({ end }) => end),
    ['refused', 'another-device'],
  );
  // Where it answers now comes before where it was.
  const now = askedPeer(state, { kind: 'peer', fingerprint, addresses: [peer.address] });
  assert.deepEqual(now.addresses, [peer.address, gone]);
  assert.deepEqual(peer.greetings, []);
});

test('ourselves', { timeout }, async (t) => {
  const reception = await openReception(t);
  assert.equal(await endAt(reception.address, { identity: reception.identity }), 'ourselves');
});

test('who stops it, stops it', { timeout }, async (t) => {
  const abort = new AbortController();
  const silent = await serveTcp(t, () => abort.abort());
  await assert.rejects(endAt(silent.address, { signal: abort.signal }), { name: 'AbortError' });
  await silent.allGone();
  await assert.rejects(endAt(silent.address, { signal: abort.signal }), { name: 'AbortError' });
});

test(
  'a name is looked up, and each of its addresses tried; a name that nobody has is told',
  { timeout },
  async (t) => {
    const state = new StateFolder(scratchFolder(t));
    const { signal } = new AbortController();
    const { port } = await closedPort();
    const ask = (text: string) =>
      probePeer(askedPeer(state, { kind: 'address', text }), { state, identity, signal });
    const localhost = await ask(`localhost:${port}`);
    assert.ok(localhost.lookups[0]?.addresses.includes(LOOPBACK));
    assert.ok(localhost.paths.every(({ end }) => end === 'refused'));
    const nobody = await ask(`no-such-host.invalid:${port}`);
    assert.deepEqual(nobody.paths, []);
    assert.match(nobody.lookups[0]?.code ?? '', /^E/u);
    assert.throws(() => askedPeer(state, { kind: 'address', text: 'a b' }), /is no address/u);
  },
);

test('whoever was last reached at an address is the one that is expected there', { timeout }, async (t) => {
  const state = new StateFolder(scratchFolder(t));
  const peer = await answering(t, 'close', { code: 'not-paired' });
  const place = formatAddress(peer.address);
  const { fingerprint } = await newIdentity();
  state.peers.remember({ fingerprint, name: 'Boris', addresses: [peer.address] });
  const asked = askedPeer(state, { kind: 'address', text: place });
  assert.deepEqual(asked.expected, [{ name: 'Boris', fingerprint }]);
  const { paths } = await probePeer(asked, { state, identity, signal: new AbortController().signal });
  assert.equal(paths[0]?.end, 'wrong-identity');
  assert.deepEqual(askedPeer(state, { kind: 'peer', fingerprint, addresses: [] }), {
    name: 'Boris',
    addresses: [peer.address],
    expected: [{ name: 'Boris', fingerprint }],
  });
});

test('a port that is free, taken, or at no address of ours', { timeout }, async (t) => {
  const free = await closedPort();
  assert.deepEqual(await tryPort(free.port, LOOPBACK), { outcome: 'free', code: '' });
  // It is so still.
  assert.equal((await tryPort(free.port, undefined)).outcome, 'free');
  const taken = await serveTcp(t);
  assert.deepEqual(await tryPort(taken.address.port, LOOPBACK), { outcome: 'taken', code: 'EADDRINUSE' });
  assert.equal((await tryPort(free.port, '192.0.2.77')).outcome, 'no-such-address');
});
