/** Who keeps a place before being admitted, and who loses it: no sockets, and a clock that is turned by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../src/base/logger.ts';
import { networkOf, plainAddress } from '../../../src/node/net/network.ts';
import { STRANGER_LIMITS, Strangers } from '../../../src/node/net/strangers.ts';
import type { Stay, StrangerLimits } from '../../../src/node/net/strangers.ts';
import { ANY_RATE } from '../../support/loopback.ts';
import { MemoryClock } from '../../support/memoryClock.ts';

const { most, mostFromOneNetwork, admissionMs, rates } = STRANGER_LIMITS;

class Caller {
  readonly remoteAddress: string;
  isDropped = false;
  stay: Stay | undefined;

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.isDropped = true;
  }
}

class House {
  readonly clock = new MemoryClock();
  readonly strangers: Strangers;

  constructor(limits: StrangerLimits = ANY_RATE) {
    this.strangers = new Strangers(limits, this.clock, silentLogger);
  }

  call(address: string): Caller {
    const caller = new Caller(address);
    caller.stay = this.strangers.receive(caller);
    return caller;
  }

  callAll(count: number, addressAt: (at: number) => string): Caller[] {
    return Array.from({ length: count }, (_, at) => this.call(addressAt(at)));
  }

  /** Of so many at once from there, how many were taken up. */
  taken(count: number, addressAt: (at: number) => string): number {
    return this.callAll(count, addressAt).filter(({ stay }) => stay !== undefined).length;
  }
}

const droppedOf = (callers: readonly Caller[]): number[] =>
  callers.flatMap(({ isDropped }, at) => (isDropped ? [at] : []));

test('case 100: an origin is an IPv4 address or an IPv6 network, however it is written', () => {
  const cases: Readonly<Record<string, string>> = {
    '192.0.2.7': '192.0.2.7',
    '::ffff:192.0.2.7': '192.0.2.7',
    '::FFFF:192.0.2.7': '192.0.2.7',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:db8:1:2::9': '2001:db8:1:2::/64',
    '2001:db8::1:2:3:4:5': '2001:db8:0:1::/64',
    '2001:db8::9': '2001:db8:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '::1': '0:0:0:0::/64',
    '::': '0:0:0:0::/64',
    '1::': '1:0:0:0::/64',
    '': '',
  };
  for (const [address, network] of Object.entries(cases)) {
    assert.equal(networkOf(plainAddress(address)), network, address);
  }
});

test('case 100: whoever fills the house loses places itself, and who comes alone stays', () => {
  const house = new House();
  const alone = house.call('192.0.2.1');
  const flood = house.callAll(10_000, (at) => `198.51.100.${at % 5}`);
  const late = house.call('::ffff:192.0.2.2');
  assert.equal(alone.isDropped, false);
  assert.equal(late.isDropped, false);
  assert.equal(flood.filter(({ isDropped }) => !isDropped).length, most - 2);
});

test('case 100: a neighbour has no more places than others, and the newest keep theirs', () => {
  const house = new House();
  const neighbours = house.callAll(mostFromOneNetwork + 3, () => '192.0.2.1');
  assert.deepEqual(droppedOf(neighbours), [0, 1, 2]);
});

test('case 100: a machine with 2⁶⁴ addresses of its own is one machine', () => {
  const house = new House();
  const alone = house.call('2001:db8:0:2::1');
  const flood = house.callAll(1000, (at) => `2001:db8:0:1::${at.toString(16)}`);
  assert.equal(flood.filter(({ isDropped }) => !isDropped).length, mostFromOneNetwork);
  assert.equal(alone.isDropped, false);
});

test('case 100: in a crowded network the crowded address loses', () => {
  const house = new House();
  const quiet = house.callAll(4, (at) => `2001:db8::${at + 10}`);
  const loud = house.callAll(100, () => '2001:db8::1');
  assert.deepEqual(droppedOf(quiet), []);
  assert.equal(loud.filter(({ isDropped }) => !isDropped).length, mostFromOneNetwork - quiet.length);
});

test('case 100: of many networks with one connection each the oldest loses', () => {
  const house = new House();
  const callers = house.callAll(most + 2, (at) => `2001:db8:${at.toString(16)}::1`);
  assert.deepEqual(droppedOf(callers), [0, 1]);
});

test('case 100: who is admitted or gone has no place to lose', async () => {
  const house = new House();
  const [admitted, gone] = [house.call('192.0.2.1'), house.call('192.0.2.1')];
  admitted.stay?.admit();
  gone.stay?.leave();
  house.callAll(100, () => '192.0.2.1');
  await house.clock.advance(admissionMs);
  house.strangers.close();
  assert.deepEqual([admitted.isDropped, gone.isDropped], [false, false]);
  assert.equal(house.clock.armed, 0);
});

test('case 101, 102: a place is kept for its time, counted from the first packet', async () => {
  const house = new House();
  const first = house.call('192.0.2.1');
  await house.clock.advance(admissionMs - 1);
  const second = house.call('192.0.2.1');
  assert.equal(first.isDropped, false);
  await house.clock.advance(1);
  assert.deepEqual([first.isDropped, second.isDropped], [true, false]);
  await house.clock.advance(admissionMs - 1);
  assert.equal(second.isDropped, true);
});

test('case 100: closing drops whoever waits', () => {
  const house = new House();
  const callers = house.callAll(3, () => '192.0.2.1');
  house.strangers.close();
  assert.deepEqual(droppedOf(callers), [0, 1, 2]);
  assert.equal(house.clock.armed, 0);
});

test('case 100: a peer that dials twice a second never meets the rate, beside sixteen lanes and its neighbours', () => {
  const house = new House(STRANGER_LIMITS);
  const here = (): string => '192.0.2.1';
  // Half a minute of four peers behind one address, and lanes now and then.
  for (let halfSeconds = 0; halfSeconds < 60; halfSeconds += 1) {
    const lanes = halfSeconds % 20 === 0 ? 16 : 0;
    assert.equal(house.taken(4 + lanes, here), 4 + lanes, `after ${halfSeconds / 2} s`);
    house.clock.tick(500);
  }
});

test('case 100: a flood from one address is held to the rate, and takes nothing from others', () => {
  const house = new House(STRANGER_LIMITS);
  const { atOnce, everyMs } = rates.fromOneNetwork;
  let taken = 0;
  const seconds = 10;
  for (let ms = 0; ms < seconds * 1000; ms += 1) {
    taken += house.taken(1, () => '192.0.2.1');
    house.clock.tick(1);
    if (ms % 1000 !== 999) continue;
    const others = house.taken(1, () => `198.51.100.${ms % 7}`);
    assert.equal(others, 1);
  }
  assert.ok(taken <= atOnce + (seconds * 1000) / everyMs, `${taken} were taken up`);
  assert.ok(taken >= (seconds * 1000) / everyMs);
});

test('case 100: a flood from everywhere is held to a rate, too, and a peer comes back through it', () => {
  const house = new House(STRANGER_LIMITS);
  house.call('192.0.2.1').stay?.admit();
  const { atOnce, everyMs } = rates.inAll;
  const seconds = 10;
  let taken = 0;
  let back = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 1) {
    taken += house.taken(1, () => `2001:db8:${(ms % 65_536).toString(16)}::1`);
    if (ms % 500 === 499) back += house.taken(1, () => '::ffff:192.0.2.1');
    house.clock.tick(1);
  }
  assert.ok(taken <= atOnce + (seconds * 1000) / everyMs, `${taken} were taken up`);
  assert.equal(back, 2 * seconds);
});

test('case 100: where a peer was admitted is remembered for as many as are bounded, the oldest forgotten', () => {
  const house = new House({ ...STRANGER_LIMITS, rates: { ...rates, inAll: { atOnce: 66, everyMs: 1000 } } });
  for (let at = 0; at < 65; at += 1) house.call(`198.51.100.${at}`).stay?.admit();
  assert.equal(
    house.taken(1, () => '203.0.113.1'),
    1,
  );
  assert.equal(
    house.taken(1, () => '203.0.113.2'),
    0,
    'nobody comes in any more',
  );
  assert.equal(
    house.taken(1, () => '198.51.100.1'),
    1,
  );
  assert.equal(
    house.taken(1, () => '198.51.100.0'),
    0,
  );
});

test('case 100: a network with an address for each connection is more crowded than an address with two', () => {
  const house = new House();
  const pairs = house.callAll(most - mostFromOneNetwork, (at) => `198.51.100.${Math.floor(at / 2)}`);
  const crowd = house.callAll(mostFromOneNetwork, (at) => `2001:db8::${at + 1}`);
  house.call('192.0.2.1');
  assert.deepEqual(droppedOf(pairs), []);
  assert.deepEqual(droppedOf(crowd), [0]);
});
