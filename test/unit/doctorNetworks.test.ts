import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isInNetwork, kindOf, scopeOf } from '../../src/doctor/networks.ts';
import type { AddressScope } from '../../src/doctor/networks.ts';
import type { InterfaceKind } from '../../src/doctor/report.ts';

suite('how far an address reaches', () => {
  const check = (scope: AddressScope, ...addresses: readonly string[]): void => {
    for (const address of addresses) {
      test(`${scope}: ${address}`, () => assert.equal(scopeOf(address), scope));
    }
  };
  check('loopback', '127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1');
  check('link-local', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::', 'FE80::A');
  check('private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.20', '100.64.0.1', '100.127.0.1');
  check('private', 'fc00::1', 'fd12:3456:789a::1', '::ffff:10.1.2.3');
  check(
    'public',
    '172.15.0.1',
    '172.32.0.1',
    '192.167.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '8.8.8.8',
    '0.0.0.0',
  );
  check('public', '2001:db8::1', '::', 'fec0::1', 'fbff::1');
  check(
    'name',
    '',
    'localhost',
    'host.example',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    'a.b.c.d',
    '1:2',
    'g::1',
    '1::2::3',
  );
  check('name', '1:2:3:4:5:6:7:8:9', '12345::', ':');
});

suite('whether an address is in a network', () => {
  const check = (address: string, own: string, isInside: boolean): void => {
    test(`${address} ${isInside ? 'is' : 'is not'} in ${own}`, () => {
      const [network = '', bits = ''] = own.split('/');
      const family = network.includes(':') ? 'IPv6' : 'IPv4';
      assert.equal(isInNetwork(address, { address: network, family, prefixBits: Number(bits) }), isInside);
    });
  };
  check('192.168.1.77', '192.168.1.20/24', true);
  check('192.168.2.77', '192.168.1.20/24', false);
  check('10.3.0.1', '10.0.0.1/14', true);
  check('10.4.0.1', '10.0.0.1/14', false);
  check('8.8.8.8', '1.2.3.4/0', true);
  check('1.2.3.4', '1.2.3.4/32', true);
  check('1.2.3.5', '1.2.3.4/32', false);
  check('1.2.3.5', '1.2.3.4/31', true);
  check('fd00:1:2:3::9', 'fd00:1:2:3::1/64', true);
  check('fd00:1:2:3:4:5:6:7', 'fd00:1:2:3::1/64', true);
  check('fd00:1:2:ff::9', 'fd00:1:2::1/56', true);
  check('fd00:1:2:1ff::9', 'fd00:1:2::1/56', false);
  check('fd00:1:2:4::9', 'fd00:1:2:3::1/64', false);
  check('fe80::1%eth0', 'fe80::2%wlan0/64', true);
  check('fd00::1', '10.0.0.1/8', false);
  check('host.example', '10.0.0.1/8', false);
});

suite('what an interface is for', () => {
  const check = (kind: InterfaceKind, name: string, ...addresses: readonly string[]): void => {
    test(`${name} with ${addresses.join(', ')}: ${kind}`, () => {
      const all = addresses.map((address) => ({ address, family: 'IPv4' as const, prefixBits: 24 }));
      assert.equal(kindOf({ name, isInternal: name === 'lo', addresses: all }), kind);
    });
  };
  check('loopback', 'lo', '127.0.0.1');
  check('loopback', 'Loopback Pseudo-Interface 1', '127.0.0.1', '::1');
  check('lan', 'eth0', '192.168.1.20', 'fe80::1');
  check('lan', 'en0', '10.1.2.3');
  check('lan', 'Wi-Fi', '192.168.178.5');
  check('lan', 'eth0', '203.0.113.9');
  check('link-local', 'eth0', 'fe80::1');
  check('link-local', 'Ethernet', '169.254.7.7', 'fe80::2');
  check('tunnel', 'wg0', '10.8.0.2');
  check('tunnel', 'utun4', '10.9.0.2');
  check('tunnel', 'tailscale0', '100.101.102.103');
  check('tunnel', 'Tailscale', '100.101.102.103');
  check('tunnel', 'anything', '100.101.102.103');
  check('tunnel', 'Work VPN', '10.4.4.4');
  check('virtual', 'docker0', '172.17.0.1');
  check('virtual', 'br-0123456789ab', '172.18.0.1');
  check('lan', 'br-lan', '192.168.1.1');
  check('virtual', 'virbr0', '192.168.122.1');
  check('virtual', 'vEthernet (WSL)', '172.20.0.1');
});
