/** What the doctor makes of each machine and each failure: the facts are given, so that every system has its turn. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Facts, FirewallFacts, SystemFacts, WslFacts } from '../../src/doctor/facts.ts';
import { judge } from '../../src/doctor/judge.ts';
import type { FindingId } from '../../src/doctor/report.ts';
import {
  ANNA,
  answeringAs,
  BORIS,
  healthy,
  known,
  LOOPBACK,
  network,
  pathTo,
  PORT,
  RECEIVER_OFF,
  RECEIVER_ON,
  typed,
} from '../support/doctorFacts.ts';

/** What is expected of the findings that are not `ok`; `says` names one that is. */
interface Expected {
  readonly problems?: readonly FindingId[];
  readonly notes?: readonly FindingId[];
  readonly unknown?: readonly FindingId[];
  readonly says?: FindingId;
  readonly cause?: FindingId;
  /** Lines that are there, exactly. */
  readonly lines?: readonly string[];
}

function check(name: string, facts: Facts, expected: Expected): void {
  test(name, () => {
    const { findings, cause } = judge(facts, []);
    const ids = (state: string): readonly FindingId[] =>
      findings.filter((finding) => finding.state === state).map(({ id }) => id);
    assert.deepEqual(ids('problem'), expected.problems ?? [], 'problems');
    assert.deepEqual(ids('note'), expected.notes ?? [], 'notes');
    assert.deepEqual(ids('unknown'), expected.unknown ?? [], 'unknown');
    assert.equal(cause?.id, expected.cause ?? expected.problems?.[0], 'the likely cause');
    if (expected.says !== undefined) assert.ok(ids('ok').includes(expected.says), ids('ok').join());
    const lines = findings.flatMap((finding) => finding.lines.map(({ text }) => text));
    for (const line of expected.lines ?? []) {
      assert.ok(lines.includes(line), `${line} in ${lines.join('\n')}`);
    }
    if (expected.lines?.length === 0) assert.deepEqual(lines, []);
  });
}

const THERE = `192.168.1.30:${PORT}`;

suite('this machine', () => {
  check('all is well', healthy(), { lines: [], says: 'own-address-answers' });
  check('no network', healthy({ interfaces: [LOOPBACK], port: RECEIVER_OFF }), {
    problems: ['no-network'],
    notes: ['receiver-off'],
  });
  check('only bridges of its own', healthy({ interfaces: [LOOPBACK, network('docker0', '172.17.0.1')] }), {
    problems: ['no-network'],
  });
  check('no router', healthy({ interfaces: [LOOPBACK, network('eth0', '169.254.3.4', 16)] }), {
    problems: ['link-local-only'],
  });
  check('a VPN', healthy({ interfaces: [network('eth0', '192.168.1.20'), network('wg0', '10.8.0.2')] }), {
    notes: ['tunnel'],
  });
  const deaf = {
    code: undefined,
    links: [{ name: 'eth0', family: 'IPv4', isHeard: false }],
    others: 0,
  } as const;
  check('multicast is not heard', healthy({ multicast: deaf }), { notes: ['multicast-deaf'] });
  const alone = { ...deaf, links: [{ name: 'eth0', family: 'IPv4', isHeard: true }] } as const;
  check('nobody else is heard', healthy({ multicast: alone }), { notes: ['multicast-alone'] });
  check('the port of multicast cannot be had', healthy({ multicast: { ...deaf, code: 'EADDRINUSE' } }), {
    unknown: ['multicast-unknown'],
  });
});

suite('its port', () => {
  const off = (more: Partial<typeof RECEIVER_OFF>): Facts => healthy({ port: { ...RECEIVER_OFF, ...more } });
  const taken = { outcome: 'taken', code: 'EADDRINUSE' } as const;
  check('the receiver is off, the port free', off({}), { notes: ['receiver-off'], says: 'port-free' });
  check('another program has it', off({ opening: taken, holder: 'another-program' }), {
    problems: ['port-taken'],
    notes: ['receiver-off'],
    lines: [`ss -ltnp 'sport = :${PORT}'`],
  });
  check('this device has it, in another process', off({ opening: taken, holder: 'this-device' }), {
    notes: ['receiver-off', 'port-taken'],
  });
  for (const [platform, line] of [
    ['darwin', `lsof -nP -iTCP:${PORT} -sTCP:LISTEN`],
    ['win32', `Get-Process -Id (Get-NetTCPConnection -LocalPort ${PORT} -State Listen).OwningProcess`],
  ] as const) {
    const facts = off({ opening: taken, holder: 'another-device' });
    check(
      `who has it, on ${platform}`,
      { ...facts, system: { ...facts.system, platform } },
      {
        problems: ['port-taken'],
        notes: ['receiver-off'],
        lines: [line],
      },
    );
  }
  check('below 1024', off({ opening: { outcome: 'forbidden', code: 'EACCES' } }), {
    problems: ['port-forbidden'],
    notes: ['receiver-off'],
  });
  check(
    'an address of another machine',
    off({ host: '10.9.9.9', opening: { outcome: 'no-such-address', code: '' } }),
    {
      problems: ['host-not-here'],
      notes: ['receiver-off'],
    },
  );
  check('an error that nobody knows', off({ opening: { outcome: 'failed', code: 'EMFILE' } }), {
    notes: ['receiver-off'],
    unknown: ['port-unknown'],
  });
  for (const host of ['127.0.0.1', '::1', 'localhost']) {
    check(`only for this machine: ${host}`, healthy({ port: { ...RECEIVER_ON, host } }), {
      problems: ['loopback-only'],
    });
  }
  const [own] = RECEIVER_ON.ownPaths;
  assert.ok(own);
  const shut = { ...RECEIVER_ON, ownPaths: [own, pathTo(`10.8.0.2:${PORT}`, 'timed-out')] };
  check('one of its addresses lets nobody in', healthy({ port: shut }), { problems: ['own-address-silent'] });
});

suite('what stands around it', () => {
  const around = (more: Partial<NonNullable<Facts['surroundings']>>, rest: Partial<Facts> = {}): Facts => {
    const facts = healthy(rest);
    return {
      ...facts,
      surroundings: { wsl: undefined, container: undefined, remote: undefined, firewalls: [], ...more },
    };
  };
  const firewall = (
    tool: FirewallFacts['tool'],
    passes: FirewallFacts['passes'],
    rest?: Partial<Facts>,
  ): Facts => around({ firewalls: [{ tool, passes }] }, rest);
  const system = (platform: string, more: Partial<SystemFacts> = {}): Partial<Facts> => ({
    system: { ...healthy().system, platform, ...more },
  });
  const ufw = `sudo ufw allow ${PORT}/tcp`;
  check('ufw lets it in', firewall('ufw', 'yes'), { says: 'firewall', lines: [] });
  check('ufw keeps it out', firewall('ufw', 'no'), { problems: ['firewall'], lines: [ufw] });
  check('ufw, unseen', firewall('ufw', 'unknown'), { unknown: ['firewall'], lines: [ufw] });
  check(
    'ufw keeps it out, and nobody wants in',
    firewall('ufw', 'no', { port: RECEIVER_OFF, peer: typed() }),
    {
      problems: ['peer-without-address'],
      notes: ['firewall', 'receiver-off'],
      lines: [ufw],
    },
  );
  check('firewalld keeps it out', firewall('firewalld', 'no'), {
    problems: ['firewall'],
    lines: [`sudo firewall-cmd --add-port=${PORT}/tcp --permanent && sudo firewall-cmd --reload`],
  });
  check('nftables, unseen', firewall('nftables', 'unknown'), {
    unknown: ['firewall'],
    lines: [`sudo nft add rule inet filter input tcp dport ${PORT} accept`],
  });
  check('Windows', firewall('windows', 'unknown', system('win32')), {
    unknown: ['firewall'],
    lines: [
      `New-NetFirewallRule -DisplayName "Peer Courier" -Direction Inbound -Protocol TCP -LocalPort ${PORT} -Action Allow`,
    ],
  });
  const program = "/Applications/Anna's Code.app/Contents/MacOS/Electron";
  check('macOS', firewall('macos', 'no', system('darwin', { program })), {
    problems: ['firewall'],
    lines: [
      String.raw`sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add '/Applications/Anna'\''s Code.app/Contents/MacOS/Electron'`,
      String.raw`sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp '/Applications/Anna'\''s Code.app/Contents/MacOS/Electron'`,
    ],
  });
  check('another port', firewall('ufw', 'no', { port: { ...RECEIVER_ON, port: 5000 } }), {
    problems: ['firewall'],
    lines: ['sudo ufw allow 5000/tcp'],
  });
  check(
    'a firewall that keeps multicast out',
    {
      ...firewall('ufw', 'yes'),
      multicast: { code: undefined, links: [], others: 0 },
    },
    { notes: ['multicast-deaf'], lines: ['sudo ufw allow 5353/udp'] },
  );

  const wsl = (
    version: WslFacts['version'],
    networking: WslFacts['networking'],
    rest?: Partial<Facts>,
  ): Facts =>
    around(
      { wsl: { version, networking } },
      { interfaces: [LOOPBACK, network('eth0', '172.20.1.2', 20)], ...rest },
    );
  check('WSL 2 behind Windows', wsl(2, 'nat'), {
    problems: ['wsl-nat'],
    lines: [
      '[wsl2]',
      'networkingMode=mirrored',
      'wsl --shutdown',
      `netsh interface portproxy add v4tov4 listenaddress=0.0.0.0 listenport=${PORT} connectaddress=172.20.1.2 connectport=${PORT}`,
    ],
  });
  check('WSL 2 beside Windows', wsl(2, 'mirrored'), {
    notes: ['wsl-mirrored'],
    lines: [
      `New-NetFirewallHyperVRule -Name PeerCourier -DisplayName "Peer Courier" -Direction Inbound -VMCreatorId '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -Protocol TCP -LocalPorts ${PORT} -Action Allow`,
    ],
  });
  check('WSL 2, unseen', wsl(2, 'unknown'), { unknown: ['wsl-unknown'] });
  check('WSL 1', wsl(1, 'unknown'), { unknown: ['firewall'] });
  check('Docker', around({ container: 'docker' }), {
    notes: ['container'],
    lines: [`docker run -p ${PORT}:${PORT} IMAGE`],
  });
  check('Podman', around({ container: 'podman' }), {
    notes: ['container'],
    lines: [`podman run -p ${PORT}:${PORT} IMAGE`],
  });
  check('Remote-SSH', around({ remote: 'ssh' }), {
    notes: ['remote-host'],
    lines: [`ssh -L '*:${PORT}:127.0.0.1:${PORT}' HOST`],
  });
  check('Codespaces', around({ remote: 'codespaces' }), { notes: ['remote-host'], lines: [] });
});

suite('a peer', () => {
  const asked = (peer: Facts['peer'], more: Partial<Facts> = {}): Facts => healthy({ peer, ...more });
  const isBoris = answeringAs(BORIS);
  check('knows us', asked(known(pathTo(THERE, 'greeted', isBoris))), { says: 'greeted' });
  check('is busy', asked(known(pathTo(THERE, 'busy', isBoris))), { notes: ['peer-busy'] });
  check('has forgotten us', asked(known(pathTo(THERE, 'not-known-there', isBoris))), {
    problems: ['not-known-there'],
  });
  check(
    'is a stranger to us, and we to it',
    asked(typed(pathTo(THERE, 'not-known-there', answeringAs(ANNA, false)))),
    {
      notes: ['new-identity', 'not-known-there'],
    },
  );
  check('shows another key', asked(known(pathTo(THERE, 'wrong-identity', answeringAs(ANNA)))), {
    problems: ['wrong-identity'],
    says: 'connected',
  });
  check('is ourselves', asked(typed(pathTo(THERE, 'ourselves'))), { problems: ['ourselves'] });
  check('speaks another version', asked(known(pathTo(THERE, 'version-mismatch', isBoris))), {
    problems: ['version-mismatch'],
  });
  check('says nothing to a greeting', asked(known(pathTo(THERE, 'no-greeting', isBoris))), {
    problems: ['no-greeting'],
  });
  for (const end of ['silent', 'hung-up', 'not-peer-courier'] as const) {
    check(end, asked(typed(pathTo(THERE, end))), { problems: [end], says: 'connected' });
  }
  check('does not listen', asked(known(pathTo(THERE, 'refused'))), { problems: ['refused'], lines: [] });
  check('does not answer', asked(known(pathTo(THERE, 'timed-out'))), {
    problems: ['timed-out'],
    lines: [`sudo ufw allow ${PORT}/tcp`],
  });
  check('cannot be reached', asked(known(pathTo(THERE, 'unreachable', { code: 'EHOSTUNREACH' }))), {
    problems: ['unreachable'],
  });
  const elsewhere = `10.77.0.5:${PORT}`;
  check('is in another network', asked(known(pathTo(elsewhere, 'timed-out'))), {
    problems: ['timed-out', 'other-network'],
    cause: 'other-network',
  });
  const tunnelled = [network('eth0', '192.168.1.20'), network('tun0', '10.8.0.2')];
  check(
    'is in another network, to which a tunnel may lead',
    asked(known(pathTo(elsewhere, 'timed-out')), { interfaces: tunnelled }),
    {
      problems: ['timed-out'],
      notes: ['tunnel'],
    },
  );
  check('is in the internet', asked(typed(pathTo(`203.0.113.9:${PORT}`, 'timed-out'))), {
    problems: ['timed-out'],
  });

  const mac = (release: string): Partial<Facts> => ({
    system: { ...healthy().system, platform: 'darwin', release },
  });
  const denied = known(pathTo(THERE, 'unreachable', { code: 'EHOSTUNREACH' }));
  check('macOS 15 keeps us out of the local network', asked(denied, mac('24.5.0')), {
    problems: ['local-network-denied'],
  });
  check('macOS 14 does not ask', asked(denied, mac('23.6.0')), { problems: ['unreachable'] });
  const far = known(pathTo(`203.0.113.9:${PORT}`, 'unreachable', { code: 'EHOSTUNREACH' }));
  check('macOS 15 lets us into the internet', asked(far, mac('24.5.0')), { problems: ['unreachable'] });

  check('has no address', asked(known()), { problems: ['peer-without-address'] });
  const name = { host: 'boris.local', addresses: [], code: 'ENOTFOUND' };
  check('has a name that nobody knows', asked({ ...typed(), lookups: [name] }), {
    problems: ['name-unknown'],
  });
  const found = { host: 'boris.local', addresses: ['192.168.1.30'], code: '' };
  check('has a name', asked({ ...known(pathTo(THERE, 'greeted', isBoris)), lookups: [found] }), {
    says: 'name-found',
  });

  check(
    'of several addresses the one that leads furthest counts',
    asked(
      known(
        pathTo(elsewhere, 'timed-out'),
        pathTo(THERE, 'greeted', isBoris),
        pathTo('10.1.1.1:1', 'refused'),
      ),
    ),
    { says: 'greeted' },
  );
  check(
    'another key counts before silence, and less than the right one',
    asked(known(pathTo(elsewhere, 'timed-out'), pathTo(THERE, 'wrong-identity', answeringAs(ANNA)))),
    { problems: ['wrong-identity'] },
  );
  check(
    'whether we can be reached is another question',
    asked(known(pathTo(THERE, 'refused')), { port: { ...RECEIVER_ON, host: '::1' } }),
    {
      problems: ['refused'],
      notes: ['loopback-only'],
      cause: 'refused',
    },
  );
});

suite('old addresses of a peer', () => {
  const old = `172.17.0.1:${PORT}`;
  const ours = known(pathTo(THERE, 'refused'), pathTo(old, 'ourselves'));
  check('one that is ourselves now, and one that refuses', healthy({ peer: ours }), {
    problems: ['refused'],
  });
  const theirs = known(pathTo(THERE, 'timed-out'), pathTo(old, 'another-device'));
  check('one of somebody else, and silence', healthy({ peer: theirs }), { problems: ['timed-out'] });
  check('nothing but somebody else', healthy({ peer: known(pathTo(old, 'another-device')) }), {
    problems: ['another-device'],
  });
});

test('nothing is called the cause while something is still being looked at', () => {
  const facts = healthy({ interfaces: [LOOPBACK], surroundings: undefined, multicast: undefined });
  const { cause, findings, pending } = judge(facts, ['surroundings', 'multicast']);
  assert.equal(cause, undefined);
  assert.deepEqual(pending, ['surroundings', 'multicast']);
  assert.ok(findings.some(({ id }) => id === 'no-network'));
});

test('what is not known yet says nothing', () => {
  const facts = {
    ...healthy(),
    interfaces: undefined,
    surroundings: undefined,
    port: undefined,
    multicast: undefined,
  };
  assert.deepEqual(judge(facts, ['surroundings', 'port', 'multicast']).findings, []);
});
