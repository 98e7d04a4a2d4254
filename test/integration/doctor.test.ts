/** `peer-courier doctor`, and the same asked of an engine: real programs, real TLS, networks of their own. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { DoctorReport, Examination, FindingId } from '../../src/doctor/report.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { engineNotifications, requests } from '../../src/rpc/contract.ts';
import type { ExamineParams } from '../../src/rpc/doctorModel.ts';
import { eventOf, Scene } from '../support/cli.ts';
import type { Ended } from '../support/cli.ts';
import { EngineHome, pairedHomes } from '../support/engine.ts';
import type { EngineWindow } from '../support/engine.ts';
import { closedPort, serveTcp } from '../support/loopback.ts';
import { canMakeNetworks, inNetwork, LONELY_CABLE } from '../support/ownNetwork.ts';

const STATUS = { problem: 50, notPaired: 16, unreachable: 11 };

/** What was found, by state; `ok` only where it is asked for. */
function foundBy({ events }: Ended, state: string): readonly unknown[] {
  return events.filter((each) => each.event === 'finding' && each['state'] === state).map(({ id }) => id);
}

function idsIn({ findings }: DoctorReport, state: string): readonly FindingId[] {
  return findings.filter((finding) => finding.state === state).map(({ id }) => id);
}

suite('in a terminal', () => {
  const doctor = async (scene: Scene, words: readonly string[], within?: ReturnType<typeof inNetwork>) => {
    const state = words.includes('--state') ? [] : ['--state', scene.senderState];
    const options = within === undefined ? {} : { within };
    return scene.run(['doctor', ...words, ...state, '--json'], options).ended;
  };
  const freePort = async (): Promise<string> => String((await closedPort()).port);

  test('a device that has never done anything is looked at, and stays as it was', async (t) => {
    const scene = new Scene(t);
    const state = scene.path('nobody');
    const ended = await doctor(scene, ['--port', await freePort(), '--state', state]);
    assert.equal(ended.status, 0, ended.stdout);
    assert.ok(foundBy(ended, 'note').includes('receiver-off'));
    assert.ok(foundBy(ended, 'ok').includes('port-free'));
    assert.equal(existsSync(state), false);
    assert.deepEqual(readdirSync(scene.folder), ['received']);
  });

  test('a known peer by name and by address; from its own side; and once it has gone', async (t) => {
    const scene = new Scene(t);
    const receiver = await scene.receive();
    await scene.pair();
    const port = await freePort();
    const name = new StateFolder(scene.senderState).peers.list()[0]?.name ?? '';
    for (const target of [receiver.address, name]) {
      const ended = await doctor(scene, [target, '--port', port]);
      assert.equal(ended.status, 0, ended.stdout);
      for (const id of ['connected', 'right-identity', 'greeted']) {
        assert.ok(foundBy(ended, 'ok').includes(id), `${target}: ${id}`);
      }
    }
    const stranger = await doctor(scene, [receiver.address, '--port', port, '--state', scene.path('nobody')]);
    assert.equal(stranger.status, 0);
    assert.ok(foundBy(stranger, 'note').includes('not-known-there'));
    const itself = await doctor(scene, ['--state', scene.receiverState]);
    assert.ok(foundBy(itself, 'ok').includes('own-address-answers'), itself.stdout);
    // It listens on the loopback of this test.
    assert.deepEqual(foundBy(itself, 'problem'), ['loopback-only']);
    await receiver.stop();
    const gone = await doctor(scene, [name, '--port', port]);
    assert.equal(gone.status, STATUS.problem);
    assert.equal(eventOf(gone, 'examined')['cause'], 'refused');
  });

  test('a port that another program has; a name that nobody has; a target that makes no sense', async (t) => {
    const scene = new Scene(t);
    const other = await serveTcp(t, (socket) => socket.end('220 mail.example ESMTP\r\n'));
    const taken = await doctor(scene, ['--port', String(other.address.port)]);
    assert.equal(taken.status, STATUS.problem);
    const finding = taken.events.find(({ id }) => id === 'port-taken');
    assert.equal(finding?.['holder'], 'another-program');
    assert.match(JSON.stringify(finding['lines']), new RegExp(`:${other.address.port}`, 'u'));
    const unknown = await doctor(scene, ['no such name']);
    assert.equal(unknown.status, STATUS.unreachable);
    assert.match(String(eventOf(unknown, 'failed')['message']), /no such name is no address/u);
  });

  test('text for people says the likely cause first; a redacted one names nobody', async (t) => {
    const scene = new Scene(t);
    const { port } = await closedPort();
    const words = ['doctor', `127.0.0.1:${port}`, '--port', await freePort(), '--state', scene.senderState];
    const { status, stdout, stderr } = await scene.run(words).ended;
    assert.equal(status, STATUS.problem);
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^Peer Courier \S+, Node \S+, .+\n\nMost likely in the way:\nproblem {2}Nobody listens at 127\.0\.0\.1:\d+\. .+\n\nWhat else was found:\n/u,
    );
    const redacted = await scene.run([...words, '--redacted']).ended;
    assert.match(redacted.stdout, /Nobody listens at 127\.0\.0\.1:\d+\./u);
    for (const [, address] of stdout.matchAll(/\b(\d+\.\d+\.\d+\.\d+)\b/gu)) {
      if (address !== '127.0.0.1') assert.ok(!redacted.stdout.includes(address ?? ''), address);
    }
  });

  const skip = !canMakeNetworks;
  test('no network', { skip }, async (t) => {
    const ended = await doctor(new Scene(t), [], inNetwork('ip link set lo up'));
    assert.equal(ended.status, STATUS.problem);
    assert.equal(eventOf(ended, 'examined')['cause'], 'no-network');
  });

  test('a machine that does not answer, in our network and in none of ours', { skip }, async (t) => {
    const scene = new Scene(t);
    const [here, elsewhere] = await Promise.all([
      doctor(scene, ['10.77.0.9:5000'], inNetwork(LONELY_CABLE)),
      doctor(scene, ['10.88.0.9:5000'], inNetwork(`${LONELY_CABLE}; ip route add default via 10.77.0.9`)),
    ]);
    assert.equal(eventOf(here, 'examined')['cause'], 'timed-out');
    assert.match(here.stdout, /sudo ufw allow 5000\/tcp/u);
    assert.equal(eventOf(elsewhere, 'examined')['cause'], 'other-network');
    // What is asked of all comes back; nobody else is there.
    assert.ok(foundBy(here, 'note').includes('multicast-alone'), here.stdout);
  });

  test('no way to another network, and a firewall that says so', { skip }, async (t) => {
    const scene = new Scene(t);
    const refusing = `${LONELY_CABLE}; ip route add prohibit 10.77.0.9/32`;
    const [nowhere, refused] = await Promise.all([
      doctor(scene, ['203.0.113.9:5000'], inNetwork(LONELY_CABLE)),
      doctor(scene, ['10.77.0.9:5000'], inNetwork(refusing)),
    ]);
    for (const ended of [nowhere, refused]) {
      assert.equal(ended.status, STATUS.problem);
      assert.equal(eventOf(ended, 'examined')['cause'], 'unreachable', ended.stdout);
    }
  });
});

suite('asked of an engine', () => {
  const wishOf = (more: Partial<ExamineParams>): ExamineParams => ({
    id: 'check',
    peer: undefined,
    address: undefined,
    remote: undefined,
    ...more,
  });

  /** Asks, and keeps what is told on the way. */
  async function examine({ connection }: EngineWindow, more: Partial<ExamineParams>) {
    const told: Examination[] = [];
    const listening = connection.onNotification(engineNotifications.examined, ({ id, examination }) => {
      if (id === 'check') told.push(examination);
    });
    const examination = await connection.sendRequest(requests.examine, wishOf(more));
    listening.dispose();
    return { ...examination, told };
  }

  test('a peer that knows us; the page fills while it is looked', async (t) => {
    const { windowA, peer } = await pairedHomes(t);
    const { report, redacted, told } = await examine(windowA, { peer });
    assert.ok(idsIn(report, 'ok').includes('greeted'));
    assert.deepEqual(report.pending, []);
    const counts = told.map((each) => each.report.pending.length);
    assert.deepEqual(counts, [4, 3, 2, 1, 0]);
    assert.deepEqual(told.at(-1)?.report.findings, report.findings);
    const text = JSON.stringify(redacted);
    for (const secret of ['Boris', 'Anna', peer]) assert.ok(!text.includes(secret), secret);
    assert.ok(JSON.stringify(report).includes('Boris'));
  });

  test('its own receiver, on and off', async (t) => {
    const home = new EngineHome(t, { port: (await closedPort()).port });
    await home.start();
    const window = await home.attach();
    const off = (await examine(window, {})).report;
    assert.ok(idsIn(off, 'note').includes('receiver-off'));
    assert.ok(idsIn(off, 'ok').includes('port-free'));
    await window.connection.sendRequest(requests.startReceiver);
    const on = (await examine(window, { remote: 'ssh' })).report;
    for (const id of ['receiver-on', 'own-address-answers'] as const) {
      assert.ok(idsIn(on, 'ok').includes(id), id);
    }
    assert.equal(on.cause?.id, 'loopback-only');
    assert.ok(idsIn(on, 'note').includes('remote-host'));
  });

  test('another device in the place of a known one: both keys are named', async (t) => {
    const { windowA, windowB } = await pairedHomes(t);
    const address = await windowB.find('its address', ({ receiver }) =>
      receiver.state === 'listening' ? receiver.addresses[0] : undefined,
    );
    const expected = 'c3'.repeat(32);
    await windowA.connection.sendRequest(requests.addPeer, { address, fingerprint: expected, name: 'Clara' });
    const { report } = await examine(windowA, { peer: expected });
    assert.ok(report.cause?.id === 'wrong-identity');
    assert.equal(report.cause.expected, expected);
    assert.equal(report.cause.found, windowB.state.device.fingerprint);
    assert.ok(!idsIn(report, 'ok').includes('greeted'));
  });

  test('a peer whose receiver is off', async (t) => {
    const { windowA, windowB, peer } = await pairedHomes(t);
    await windowB.connection.sendRequest(requests.stopReceiver);
    assert.equal((await examine(windowA, { peer })).report.cause?.id, 'refused');
  });

  test('what makes no sense is refused, and a check that is cancelled ends', async (t) => {
    const { windowA } = await pairedHomes(t);
    await assert.rejects(examine(windowA, { peer: 'd4'.repeat(32) }), /not-paired/u);
    await assert.rejects(examine(windowA, { peer: 'Boris' }), /internal/u);
    await assert.rejects(examine(windowA, { address: 'a b' }), /unreachable/u);
    await assert.rejects(examine(windowA, { remote: 'the moon' as 'ssh' }), /internal/u);
    await checkCancelled(t, windowA);
  });

  async function checkCancelled(t: TestContext, { connection }: EngineWindow): Promise<void> {
    const source = new CancellationTokenSource();
    const silent = await serveTcp(t, () => source.cancel());
    const { host, port } = silent.address;
    await assert.rejects(
      connection.sendRequest(requests.examine, wishOf({ address: `${host}:${port}` }), source.token),
      /cancelled/u,
    );
    await silent.allGone();
  }
});
