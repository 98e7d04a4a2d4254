/** What files and programs of other systems print, as they print it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  containerKind,
  firewalld,
  macFirewall,
  ufw,
  windowsFirewall,
  wslNetworking,
  wslVersion,
} from '../../src/doctor/signs.ts';

function check(name: string, actual: unknown, expected: unknown): void {
  test(name, () => assert.deepEqual(actual, expected));
}

suite('WSL', () => {
  check('the second', wslVersion('5.15.153.1-microsoft-standard-WSL2\n'), 2);
  check('the second, of the early days', wslVersion('4.19.84-microsoft-standard'), 2);
  check('the first', wslVersion('4.4.0-19041-Microsoft\n'), 1);
  check('none', wslVersion('6.8.0-45-generic\n'), undefined);
  check('its network: nat', wslNetworking('nat\n', ['lo', 'eth0']), 'nat');
  check('its network: mirrored', wslNetworking('mirrored\n', []), 'mirrored');
  check('its network: one of another kind', wslNetworking('virtioproxy\n', []), 'other');
  check('its network, without the program', wslNetworking(undefined, ['lo', 'eth0']), 'unknown');
  check('its network, by its loopback', wslNetworking(undefined, ['lo', 'loopback0', 'eth0']), 'mirrored');
});

suite('containers', () => {
  const none = { hasDockerMark: false, hasPodmanMark: false, groups: '0::/init.scope\n' };
  check('none', containerKind(none), undefined);
  check('Docker', containerKind({ ...none, hasDockerMark: true }), 'docker');
  check('Podman', containerKind({ ...none, hasPodmanMark: true }), 'podman');
  check('Docker by its group', containerKind({ ...none, groups: '12:cpu:/docker/0123abcd\n' }), 'docker');
  check('Kubernetes', containerKind({ ...none, groups: '4:memory:/kubepods/besteffort/pod1\n' }), 'other');
  check('LXC', containerKind({ ...none, groups: '1:name=systemd:/lxc/web\n' }), 'other');
});

suite('firewalls', () => {
  const on = '# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n';
  const rule = (tuple: string): string =>
    `*filter\n### RULES ###\n\n### tuple ### ${tuple}\n-A ufw-user-input …\n`;
  const passes = (tuple: string): unknown => ufw(on, rule(tuple), 47_470)?.passes;
  check('ufw is not there', ufw(undefined, undefined, 47_470), undefined);
  check('ufw is off', ufw('ENABLED=no\n', undefined, 47_470), undefined);
  check('ufw is on', ufw(on, undefined, 47_470), { tool: 'ufw', passes: 'unknown' });
  check('ufw lets it in', passes('allow tcp 47470 0.0.0.0/0 any 0.0.0.0/0 in'), 'yes');
  check('… without a protocol', passes('allow any 47470 0.0.0.0/0 any 0.0.0.0/0 in'), 'yes');
  check('… by a range', passes('allow tcp 22,47000:48000 0.0.0.0/0 any 0.0.0.0/0 in'), 'yes');
  check('… with everything', passes('allow any any 0.0.0.0/0 any 192.168.1.0/24 in'), 'yes');
  check('ufw: another port', passes('allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in'), 'no');
  check('ufw: another protocol', passes('allow udp 47470 0.0.0.0/0 any 0.0.0.0/0 in'), 'no');
  check('ufw: denied', passes('deny tcp 47470 0.0.0.0/0 any 0.0.0.0/0 in'), 'no');
  check('ufw: no rule', ufw(on, '*filter\n### RULES ###\n', 47_470)?.passes, 'no');
  check('ufw: nonsense', passes(''), 'no');

  check('firewalld is not there', firewalld(undefined), undefined);
  check('firewalld does not run', firewalld({ status: 252, stdout: '' }), undefined);
  check('firewalld lets it in', firewalld({ status: 0, stdout: 'yes\n' }), {
    tool: 'firewalld',
    passes: 'yes',
  });
  check('firewalld does not', firewalld({ status: 1, stdout: 'no\n' }), { tool: 'firewalld', passes: 'no' });
  const silent = firewalld({ status: 1, stdout: '' });
  check('firewalld says nothing', silent, { tool: 'firewalld', passes: 'unknown' });
  const refused = firewalld({ status: 253, stdout: 'Authorization failed.\n' });
  check('firewalld does not say', refused, { tool: 'firewalld', passes: 'unknown' });

  const profile = (value: string): { readonly status: number; readonly stdout: string } => ({
    status: 0,
    stdout: `\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\…\\PublicProfile\r\n    EnableFirewall    REG_DWORD    ${value}\r\n\r\n`,
  });
  const windows = { tool: 'windows', passes: 'unknown' };
  check('Windows, on', windowsFirewall([profile('0x1'), profile('0x1')]), windows);
  check('Windows, on for one of two', windowsFirewall([profile('0x0'), profile('0x1')]), windows);
  check('Windows, off', windowsFirewall([profile('0x0'), profile('0x0')]), undefined);
  check('Windows, unseen', windowsFirewall([undefined, undefined]), undefined);

  const mac = (text: string): unknown => macFirewall({ status: 0, stdout: text });
  check('macOS, on', mac('Firewall is enabled. (State = 1) \n'), { tool: 'macos', passes: 'unknown' });
  check('macOS, all blocked', mac('Firewall is blocking all non-essential … (State = 2)\n'), {
    tool: 'macos',
    passes: 'no',
  });
  check('macOS, off', mac('Firewall is disabled. (State = 0) \n'), undefined);
  check('macOS, unseen', macFirewall(undefined), undefined);
});
