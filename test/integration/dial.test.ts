import assert from 'node:assert/strict';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import { deferred } from '../../src/base/deferred.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../../src/node/net/tlsOptions.ts';
import type { DialInit } from '../../src/node/net/dial.ts';
import type { Address } from '../../src/peers/address.ts';
import type { SecuredPeer } from '../../src/node/net/tlsOptions.ts';
import { newIdentity } from '../support/certificates.ts';
import { closedPort, dialTo, nextText, openReception, serveTcp, serveTls } from '../support/loopback.ts';

/** Which address wins, what is said when none does, and how it ends when nobody wants to know any more. */

const timeout = 20_000;
/** Before a handshake would be given up anyway. */
const SOON_MS = HANDSHAKE_TIMEOUT_MS - 2000;

function isFailure(code: FailureCode): (error: unknown) => boolean {
  return (error) => CourierError.is(error, code);
}

test('one address is enough', { timeout }, async (t) => {
  const reception = await openReception(t);
  assert.deepEqual((await dialTo(t, [reception.address])).address, reception.address);
});

test(
  'an address that never answers is overtaken by one that does, and let go',
  { timeout: SOON_MS },
  async (t) => {
    const silent = await serveTcp(t);
    const reception = await openReception(t);
    const dialled = await dialTo(t, [silent.address, reception.address]);
    assert.deepEqual(dialled.address, reception.address);
    await silent.allGone();
  },
);

test('a refusing address is overtaken by one that answers', { timeout }, async (t) => {
  const reception = await openReception(t);
  const dialled = await dialTo(t, [await closedPort(), await closedPort(), reception.address]);
  assert.deepEqual(dialled.address, reception.address);
});

test('whoever answers with a wrong key is passed over', { timeout }, async (t) => {
  const [impostor, meant] = [await openReception(t), await openReception(t)];
  const checkPeer = ({ fingerprint }: SecuredPeer): void => {
    if (fingerprint !== meant.identity.fingerprint) throw new CourierError('wrong-identity', 'somebody else');
  };
  const dialled = await dialTo(t, [impostor.address, meant.address], { checkPeer });
  assert.equal(dialled.fingerprint, meant.identity.fingerprint);
});

test('the first that answers wins; later ones are not even tried', { timeout }, async (t) => {
  const [first, second] = [await openReception(t), await openReception(t)];
  let attempts = 0;
  const trap = await serveTcp(t, () => {
    attempts += 1;
  });
  const dialled = await dialTo(t, [first.address, second.address, trap.address]);
  assert.deepEqual(dialled.address, first.address);
  assert.equal(attempts, 0);
  assert.equal(second.inbounds.length, 0);
});

test('IPv6 works as IPv4 does', { timeout }, async (t) => {
  if (!Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'))) {
    t.skip('this machine has no IPv6');
    return;
  }
  const reception = await openReception(t, { host: '::1' });
  const coming = reception.nextInbound();
  assert.deepEqual((await dialTo(t, [reception.address])).address.host, '::1');
  assert.equal((await coming).remoteAddress, '::1');
});

test('a host name is looked up', { timeout }, async (t) => {
  const reception = await openReception(t);
  await dialTo(t, [{ host: 'localhost', port: reception.address.port }]);
});

test('when nobody answers, what says most is said', { timeout }, async (t) => {
  const refused = await closedPort();
  const impostor = (await openReception(t)).address;
  const web = (await serveTls(t, await newIdentity(), { ALPNProtocols: ['http/1.1'] })).address;
  const hungUp = (await serveTcp(t, (socket) => socket.destroy())).address;
  const chatty = (await serveTcp(t, (socket) => socket.end('220 mail.example ESMTP\r\n'))).address;
  const nowhere = { host: '255.255.255.255', port: 9 };
  const cases = [
    [[refused], 'not-listening'],
    [[web], 'not-peer-courier'],
    [[hungUp], 'not-peer-courier'],
    [[chatty], 'not-peer-courier'],
    [[nowhere], 'unreachable'],
    [[], 'unreachable'],
    [[nowhere, refused], 'not-listening'],
    [[refused, web, nowhere], 'not-peer-courier'],
    [[refused, web, impostor, nowhere], 'wrong-identity'],
  ] as const;
  const checkPeer = (): void => {
    throw new CourierError('wrong-identity', 'somebody else');
  };
  await Promise.all(
    cases.map(async ([addresses, code]) => {
      await assert.rejects(dialTo(t, addresses, { checkPeer }), isFailure(code), code);
    }),
  );
});

test('what a check throws is what is said, and an error of ours is not hidden', { timeout }, async (t) => {
  const reception = await openReception(t);
  const check = (error: Error) => (): void => {
    throw error;
  };
  const notPaired = check(new CourierError('not-paired', 'a stranger'));
  await assert.rejects(dialTo(t, [reception.address], { checkPeer: notPaired }), isFailure('not-paired'));
  const damaged = check(new CourierError('state-unusable', 'damaged'));
  await assert.rejects(dialTo(t, [reception.address], { checkPeer: damaged }), isFailure('state-unusable'));
});

test('cancelled before it began, it connects to nobody', { timeout }, async (t) => {
  let attempts = 0;
  const { address } = await serveTcp(t, () => {
    attempts += 1;
  });
  const signal = AbortSignal.abort();
  await assert.rejects(dialTo(t, [address, address], { signal }), isFailure('cancelled'));
  assert.equal(attempts, 0);
});

test('cancelled while it waits for an answer, it lets go at once', { timeout: SOON_MS }, async (t) => {
  const arrived = deferred<undefined>();
  const silent = await serveTcp(t, () => arrived.resolve(undefined));
  const abort = new AbortController();
  const dialling = dialTo(t, [silent.address, silent.address, silent.address], { signal: abort.signal });
  await arrived.promise;
  abort.abort();
  await assert.rejects(dialling, isFailure('cancelled'));
  await silent.allGone();
});

test('cancelled after it was done, the connection stays', { timeout }, async (t) => {
  const reception = await openReception(t);
  const coming = reception.nextInbound();
  const abort = new AbortController();
  const { channel } = await dialTo(t, [reception.address], { signal: abort.signal });
  abort.abort();
  await channel.send([Buffer.from('still here')]);
  assert.equal(await nextText((await coming).channel), 'still here');
});

test('a handshake that does not end is given up after its time', { timeout }, async (t) => {
  const arrived = deferred<undefined>();
  const { address } = await serveTcp(t, () => arrived.resolve(undefined));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dialling = dialTo(t, [address]);
  let isOver = false;
  const watched = dialling.then(
    () => undefined,
    (error: unknown) => {
      isOver = true;
      return error;
    },
  );
  await arrived.promise;
  t.mock.timers.tick(HANDSHAKE_TIMEOUT_MS - 1);
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  t.mock.timers.tick(1);
  assert.ok(isFailure('timed-out')(await watched));
});

/** Addresses that are found one after another; `ended` settles when nobody looks any more. */
function findings(...found: readonly Address[]): {
  more: NonNullable<DialInit['more']>;
  ended: Promise<void>;
} {
  const ended = deferred<void>();
  return {
    ended: ended.promise,
    async *more({ signal }) {
      try {
        yield* found;
        // Like somebody who goes on listening.
        if (!signal.aborted && found.length > 0) await once(signal, 'abort');
      } finally {
        ended.resolve();
      }
    },
  };
}

test('a peer that is not where it was is found elsewhere', { timeout }, async (t) => {
  const reception = await openReception(t);
  const { more, ended } = findings(await closedPort(), reception.address);
  const dialled = await dialTo(t, [await closedPort()], { more });
  assert.deepEqual(dialled.address, reception.address);
  await ended;
});

test('a peer of which no address is known is found', { timeout }, async (t) => {
  const [other, meant] = [await openReception(t), await openReception(t)];
  const checkPeer = ({ fingerprint }: SecuredPeer): void => {
    if (fingerprint !== meant.identity.fingerprint) throw new CourierError('unreachable', 'somebody else');
  };
  const { more } = findings(other.address, meant.address);
  assert.deepEqual((await dialTo(t, [], { more, checkPeer })).address, meant.address);
});

test('nobody is looked for who is where they were', { timeout }, async (t) => {
  const reception = await openReception(t);
  let looked = 0;
  async function* more(): AsyncGenerator<Address> {
    looked += 1;
    yield* [];
  }
  await dialTo(t, [reception.address], { more });
  assert.equal(looked, 0);
});

test('nobody is found: the sentence says who', { timeout }, async (t) => {
  const { more } = findings();
  await assert.rejects(dialTo(t, [], { more, nowhere: 'Anna is nowhere' }), (error) => {
    return CourierError.is(error, 'unreachable') && error.message.includes('Anna is nowhere');
  });
});
