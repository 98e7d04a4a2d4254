/** Two users each type the other's address at the same time: both devices dial, and there is one comparison. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { PairingDesk } from '../../src/engine/pairingDesk.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import type { Identity } from '../../src/node/identity/identity.ts';
import type { Inbound } from '../../src/node/net/listener.ts';
import { formatAddress } from '../../src/peers/address.ts';
import type { Address } from '../../src/peers/address.ts';
import { Listener } from '../../src/node/net/listener.ts';
import { newIdentity } from '../support/certificates.ts';
import { LOOPBACK } from '../support/loopback.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A device that listens, with a user who looks at codes and says yes. */
class Device {
  readonly desk: PairingDesk;
  readonly identity: Identity;
  readonly codes: string[] = [];
  /** Whoever comes in is led to the desk when this has resolved. */
  mayTake: Promise<unknown> = Promise.resolve();
  address: Address = { host: LOOPBACK, port: 1 };
  readonly state: StateFolder;

  private constructor(state: StateFolder, identity: Identity) {
    this.state = state;
    this.identity = identity;
    this.desk = new PairingDesk(state);
  }

  static async of(t: TestContext, name: string): Promise<Device> {
    const identity = await newIdentity();
    const state = new StateFolder(`${scratchFolder(t)}/${name}`, () => Promise.resolve(identity));
    const device = new Device(state, identity);
    const open = new Set<Promise<void>>();
    const take = async (inbound: Inbound): Promise<void> => {
      await device.mayTake;
      await device.desk.take(inbound);
    };
    const listener = await Listener.open({
      identity,
      host: LOOPBACK,
      port: 0,
      onInbound: (inbound) => void open.add(take(inbound)),
      logger: { debug: () => undefined, warn: () => undefined },
    });
    device.address = listener.address;
    t.after(async () => {
      listener.close();
      await Promise.all(open);
    });
    return device;
  }

  dial(other: Device, isSame: boolean | Promise<boolean> = true): Promise<string> {
    return this.desk.dial(formatAddress(other.address), {
      identity: this.identity,
      name: 'a device',
      compare: (code) => {
        this.codes.push(code);
        return Promise.resolve(isSame);
      },
      signal: AbortSignal.timeout(30_000),
    });
  }

  get known(): readonly string[] {
    return this.state.peers.list().map(({ fingerprint }) => fingerprint);
  }
}

/** The one whose connection goes on first. */
async function devices(t: TestContext): Promise<readonly [Device, Device]> {
  const both = await Promise.all([Device.of(t, 'one'), Device.of(t, 'other')]);
  return both[0].identity.fingerprint < both[1].identity.fingerprint ? both : [both[1], both[0]];
}

async function assertPaired([first, second]: readonly [Device, Device], dialled: Promise<unknown>) {
  await dialled;
  assert.deepEqual([first.codes.length, second.codes.length], [1, 1]);
  assert.deepEqual(first.codes, second.codes);
  assert.deepEqual(first.known, [second.identity.fingerprint]);
  assert.deepEqual(second.known, [first.identity.fingerprint]);
}

suite('both dial, and are paired by one comparison', () => {
  test('at the same moment', async (t) => {
    const [first, second] = await devices(t);
    await assertPaired([first, second], Promise.all([first.dial(second), second.dial(first)]));
  });

  test('the one that gives way hears so before the other’s connection is there', async (t) => {
    const [first, second] = await devices(t);
    const gate = Promise.withResolvers<void>();
    second.mayTake = gate.promise;
    const dialled = Promise.all([first.dial(second), second.dial(first)]);
    // Its own dial is answered with busy by then: the first one's listener is not held.
    setImmediate(gate.resolve);
    await assertPaired([first, second], dialled);
  });
});

test('one of them sees another code: nobody is paired, and it is one failure on each side', async (t) => {
  const [first, second] = await devices(t);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const ended = await Promise.allSettled([first.dial(second), second.dial(first, false)]);
    for (const each of ended) {
      assert.ok(each.status === 'rejected');
      assert.match(String(each.reason), /CourierError/u);
      assert.equal((each.reason as { code?: string }).code, 'code-differs');
    }
  }
  await assert.rejects(first.dial(second), { code: 'pairing-paused' });
  await assert.rejects(second.dial(first), { code: 'pairing-paused' });
  assert.deepEqual([first.known, second.known], [[], []]);
});

test('nobody gets a second guess by dialling back once a code is shown', async (t) => {
  const [first, second] = await devices(t);
  const shown = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<boolean>();
  const wish = {
    identity: first.identity,
    name: 'in the middle',
    signal: AbortSignal.timeout(30_000),
    compare: () => {
      shown.resolve();
      return answer.promise;
    },
  };
  // Both users would have to say the same; ours takes as long as the other.
  const waiting = first.desk.wait(wish);
  const dialled = second.dial(first, answer.promise);
  const failed = [assert.rejects(waiting), assert.rejects(dialled)];
  await shown.promise;
  const again = new PairingDesk(first.state);
  await assert.rejects(again.dial(formatAddress(second.address), wish), { code: 'not-pairing' });
  assert.equal(second.codes.length, 1);
  answer.resolve(false);
  await Promise.all(failed);
});

test('a third device that comes in while we dial is turned away', async (t) => {
  const [first, second] = await devices(t);
  const third = await Device.of(t, 'third');
  const dialled = Promise.all([first.dial(second), second.dial(first)]);
  await assert.rejects(third.dial(first), { code: 'not-pairing' });
  await assertPaired([first, second], dialled);
  assert.deepEqual(third.codes, []);
});
