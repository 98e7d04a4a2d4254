import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../src/peers/address.ts';
import type { Announcement } from '../../src/peers/announcement.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';
import { Places } from '../../src/peers/places.ts';

/** Where peers may be, and who was reached: the bookkeeping of discovery, without any network. */

const OURS = 'f0'.repeat(32) as Fingerprint;
const ANNA = 'aa'.repeat(32) as Fingerprint;
const BORIS = 'bb'.repeat(32) as Fingerprint;

function place(last: number, port = 47_470): Address {
  return { host: `192.168.1.${last}`, port };
}

function announcement(instance: string, deviceName?: string): Announcement {
  return { instance: instance.padStart(16, '0'), port: 47_470, deviceName };
}

/** Tries what is due, as if `who` answered in so many milliseconds. */
function tryAll(
  places: Places,
  now: number,
  who: (address: Address) => [Fingerprint, number] | undefined,
): Address[] {
  const tried: Address[] = [];
  for (let address = places.next(now); address !== undefined; address = places.next(now)) {
    tried.push(address);
    const answer = who(address);
    if (answer === undefined) places.missed(address, now);
    else places.reached(address, { fingerprint: answer[0], roundTripMs: answer[1] }, now);
  }
  return tried;
}

test('who is announced is listed when it has answered, and not before', () => {
  const places = new Places(OURS);
  places.announced(announcement('1', 'kitchen'), place(7), 0);
  assert.deepEqual(places.list(), []);
  assert.deepEqual(
    tryAll(places, 0, () => [ANNA, 4]),
    [place(7)],
  );
  assert.deepEqual(places.list(), [
    { fingerprint: ANNA, address: place(7), roundTripMs: 4, deviceName: 'kitchen' },
  ]);
});

test('case 161: the key that answers says who it is, whatever was announced; ourselves are nobody', () => {
  const places = new Places(OURS);
  places.announced(announcement('1', 'Anna'), place(7), 0);
  places.announced(announcement('2', 'Boris'), place(8), 0);
  tryAll(places, 0, ({ host }) => (host === place(7).host ? [BORIS, 4] : [OURS, 1]));
  assert.deepEqual(
    places.list().map(({ fingerprint }) => fingerprint),
    [BORIS],
  );
  assert.deepEqual(places.addressesOf(ANNA), []);
});

test('one peer over several ways is one entry, with the fastest way', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  places.announced(announcement('1'), { host: 'fe80::1%eth0', port: 47_470 }, 0);
  places.remember([{ host: '10.8.0.7', port: 47_470 }], 0);
  const took = new Map([
    [place(7).host, 3],
    ['fe80::1%eth0', 2],
    ['10.8.0.7', 40],
  ]);
  tryAll(places, 0, ({ host }) => [ANNA, took.get(host) ?? 0]);
  assert.equal(places.list().length, 1);
  assert.equal(places.list()[0]?.address.host, 'fe80::1%eth0');
  assert.deepEqual(
    places.addressesOf(ANNA).map(({ host }) => host),
    ['fe80::1%eth0', place(7).host, '10.8.0.7'],
  );
});

test('who leaves without a word is noticed at the next try, half a minute later at most', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  tryAll(places, 0, () => [ANNA, 4]);
  assert.equal(places.next(29_999), undefined);
  assert.equal(places.nextAt, 30_000);
  tryAll(places, 30_000, () => undefined);
  assert.deepEqual(places.list(), []);
});

test('case 163: a goodbye makes us look, and takes nobody off the list who answers', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  tryAll(places, 0, () => [ANNA, 4]);
  places.gone(announcement('1').instance, 1000);
  assert.equal(places.list().length, 1);
  assert.deepEqual(
    tryAll(places, 1000, () => [ANNA, 4]),
    [place(7)],
  );
  assert.equal(places.list().length, 1);
  places.gone(announcement('1').instance, 2000);
  tryAll(places, 2000, () => undefined);
  assert.deepEqual(places.list(), []);
});

test('where nobody answers is tried less and less often; what was only announced is forgotten', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  places.remember([place(8)], 0);
  const at: number[] = [];
  for (let now = 0; now < 3_600_000; now += 1000) {
    for (const { host } of tryAll(places, now, () => undefined)) if (host === place(8).host) at.push(now);
  }
  assert.equal(places.size, 1);
  assert.deepEqual(at.slice(0, 5), [0, 5000, 15_000, 35_000, 75_000]);
  const [last = 0, before = 0] = at.toReversed();
  assert.equal(last - before, 300_000);
});

test('a changed network: everybody has to answer again, and only what is remembered is tried', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  places.remember([place(8)], 0);
  tryAll(places, 0, ({ host }) => [host === place(7).host ? ANNA : BORIS, 4]);
  assert.equal(places.list().length, 2);
  places.networkChanged(10);
  assert.deepEqual(places.list(), []);
  assert.deepEqual(
    tryAll(places, 10, () => [BORIS, 4]),
    [place(8)],
  );
});

test('a peer that comes back at the same place is tried at once', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  tryAll(places, 0, () => [ANNA, 4]);
  places.announced(announcement('1'), place(7), 100);
  assert.equal(places.next(100), undefined);
  places.announced(announcement('2'), place(7), 200);
  assert.deepEqual(places.next(200), place(7));
});

test('who is forgotten is not tried any more', () => {
  const places = new Places(OURS);
  places.remember([place(7), place(8)], 0);
  places.remember([place(8)], 0);
  assert.equal(places.size, 1);
  assert.deepEqual(
    tryAll(places, 0, () => undefined),
    [place(8)],
  );
});

test('case 162: a flood of a million announcements fills a small table, and pushes out nobody who was reached', () => {
  const places = new Places(OURS);
  places.announced(announcement('1'), place(7), 0);
  places.remember([place(8)], 0);
  tryAll(places, 0, ({ host }) => (host === place(7).host ? [ANNA, 4] : undefined));
  for (let number = 0; number < 1_000_000; number += 1) {
    const host = `10.${Math.floor(number / 65_536)}.${Math.floor(number / 256) % 256}.${number % 256}`;
    places.announced(announcement(number.toString(16)), { host, port: 1 }, 0);
  }
  assert.equal(places.size, 256);
  assert.equal(places.list()[0]?.fingerprint, ANNA);
  places.remember([place(8)], 0);
  assert.deepEqual(places.next(5000)?.host.startsWith('10.'), true);
});
