import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnLink } from '../../src/node/net/onLink.ts';

const MAC = '02:00:00:00:00:01';
const INTERFACES = {
  lo: [
    {
      address: '127.0.0.1',
      netmask: '255.0.0.0',
      family: 'IPv4',
      mac: MAC,
      internal: true,
      cidr: '127.0.0.1/8',
    },
  ],
  eth0: [
    {
      address: '192.168.1.5',
      netmask: '255.255.255.0',
      family: 'IPv4',
      mac: MAC,
      internal: false,
      cidr: '192.168.1.5/24',
    },
    {
      address: 'fd77::5',
      netmask: 'ffff:ffff:ffff:ffff::',
      family: 'IPv6',
      mac: MAC,
      internal: false,
      cidr: 'fd77::5/64',
      scopeid: 0,
    },
    {
      address: 'fe80::5',
      netmask: 'ffff:ffff:ffff:ffff::',
      family: 'IPv6',
      mac: MAC,
      internal: false,
      cidr: 'fe80::5/64',
      scopeid: 2,
    },
    {
      address: '169.254.3.4',
      netmask: '255.255.0.0',
      family: 'IPv4',
      mac: MAC,
      internal: false,
      cidr: '169.254.3.4/16',
    },
  ],
} satisfies Parameters<typeof isOnLink>[1];

test('case 167: neighbours are dialled because they are announced, and nobody else', () => {
  for (const host of ['192.168.1.77', 'fd77::99', 'fe80::1234%eth0', '169.254.9.9']) {
    assert.ok(isOnLink(host, INTERFACES), host);
  }
  const strange = [
    ['another network', '192.168.2.1'],
    ['the internet', '203.0.113.9'],
    ['loopback', '127.0.0.1'],
    ['loopback', '::1'],
    ['everywhere', '0.0.0.0'],
    ['a group', '224.0.0.251'],
    ['a group', 'ff02::fb%eth0'],
    ['metadata', '169.254.169.254'],
    ['another prefix', 'fd78::1'],
    ['a name', 'printer.local'],
    ['nothing', ''],
  ] as const;
  for (const [what, host] of strange) assert.ok(!isOnLink(host, INTERFACES), `${what}: ${host}`);
});
