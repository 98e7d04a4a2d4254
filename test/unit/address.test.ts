import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/peers/address.ts';
import type { Address } from '../../src/peers/address.ts';
import { testProperty } from '../support/random.ts';

/** 47470 is the default port in all of these. */
function check(text: string, host: string, port: number): void {
  test(`${text} is ${host} port ${port}`, () => assert.deepEqual(parseAddress(text, 47_470), { host, port }));
}

check('example.org:1234', 'example.org', 1234);
check('example.org', 'example.org', 47_470);
check('192.168.1.7:1', '192.168.1.7', 1);
check('192.168.1.7', '192.168.1.7', 47_470);
check('my-laptop.local:65535', 'my-laptop.local', 65_535);
check('[::1]:80', '::1', 80);
check('[::1]', '::1', 47_470);
check('[2001:DB8::a]:80', '2001:DB8::a', 80);
check('[fe80::1%eth0]:80', 'fe80::1%eth0', 80);
check('[fe80::1%12]', 'fe80::1%12', 47_470);
check('[::ffff:10.0.0.1]:80', '::ffff:10.0.0.1', 80);

const NOT_ADDRESSES = [
  ...'| |:|:80|a:|a:0|a:65536|a:99999|a:100000|a:-1|a:1.5|a:1e3|a: 80|a :80| a:80|a:80 |a:80\n'.split('|'),
  ...'::1|::1:80|[::1|::1]|[::1]80|[::1]:|[]:80|[]|[a b]:80|[example.org]:80|[::1%]:80|[::1%a b]:80'.split(
    '|',
  ),
  ...'a/b:80|a@b:80|http://a:80|a,b:80|a:80:90|a\u0000:80|é:80|\u212a:80|\u017f:80|a:８０'.split('|'),
  `${'a'.repeat(254)}:80`,
  // Between brackets without a colon it would be written without them, and then be something else.
  '[beef]:80',
  '[1%eth0]:80',
];

for (const text of NOT_ADDRESSES) {
  test(`${JSON.stringify(text.slice(0, 20))} is no address`, () =>
    assert.equal(parseAddress(text, 47_470), undefined));
}

test('without a default the port must be there', () => {
  assert.equal(parseAddress('example.org'), undefined);
  assert.equal(parseAddress('[::1]'), undefined);
  assert.deepEqual(parseAddress('a:1'), { host: 'a', port: 1 });
});

/** Addresses of every kind, for suites that need them. */
const addresses: fc.Arbitrary<Address> = fc
  .tuple(
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV6().map((host) => `${host}%en0`),
    ),
    fc.integer({ min: 1, max: 65_535 }),
  )
  .map(([host, port]) => ({ host, port }));

testProperty(
  'every address survives being written',
  addresses.filter(({ host }) => host.length <= 253),
  (address) => {
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  },
);
