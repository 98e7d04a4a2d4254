/** Devices find each other: real engines and programs, on machines made of network namespaces. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { clientNotifications, requests } from '../../src/rpc/contract.ts';
import type { EngineSettings, NearbyPeer } from '../../src/rpc/model.ts';
import { eventOf, Scene } from '../support/cli.ts';
import { EngineHome } from '../support/engine.ts';
import type { EngineProcess, EngineWindow } from '../support/engine.ts';
import { canMakeNetworks, Network } from '../support/netns.ts';
import type { Machine, MachineOptions } from '../support/netns.ts';
import { file, makeTree } from '../support/trees.ts';

const needsNetworks = {
  skip: canMakeNetworks ? false : 'NOT RUN: neither root nor "ip" to make networks with',
};
const PORT = 47_470;
/** The end of the record that points to an instance, with no time left to live. */
const GOODBYE = Buffer.from('_tcp\u0005local\0\0\u000c\0\u0001\0\0\0\0').toString('hex');
const BOTH: MachineOptions = { v4: true, v6: true, hasDeadVpn: true };

/** A device on a machine of its own. */
interface Device {
  readonly machine: Machine;
  readonly home: EngineHome;
  readonly process: EngineProcess;
  readonly window: EngineWindow;
  readonly fingerprint: string;
}

async function startDevice(
  t: TestContext,
  machine: Machine,
  settings: Partial<EngineSettings> = {},
): Promise<Device> {
  const home = new EngineHome(t, { host: '', port: PORT, deviceName: '', ...settings });
  return { machine, home, ...(await startEngine(home, machine)) };
}

async function startEngine(
  home: EngineHome,
  machine: Machine,
): Promise<Pick<Device, 'process' | 'window' | 'fingerprint'>> {
  const process = await home.start(machine.within);
  const window = await home.attach();
  const { fingerprint } = await window.find(
    'the identity',
    ({ device }) => device.fingerprint !== undefined && device,
  );
  return { process, window, fingerprint: fingerprint ?? '' };
}

async function receiving(
  t: TestContext,
  machine: Machine,
  settings?: Partial<EngineSettings>,
): Promise<Device> {
  const device = await startDevice(t, machine, settings);
  await device.window.connection.sendRequest(requests.startReceiver);
  return device;
}

/** Waits until just these others are listed; resolves with them. */
function sees({ window }: Device, others: readonly Device[]): Promise<readonly NearbyPeer[]> {
  const wanted = others.map(({ fingerprint }) => fingerprint).toSorted();
  return window.find(`${wanted.length} others`, ({ nearby }) => {
    const found = nearby.map(({ fingerprint }) => fingerprint).toSorted();
    return JSON.stringify(found) === JSON.stringify(wanted) && nearby;
  });
}

test(
  'five devices find each other over IPv4 and IPv6; a dead VPN is no way; they come and go',
  needsNetworks,
  async (t) => {
    const network = Network.make(t);
    const dual = [network.machine(1), network.machine(2), network.machine(3)];
    const [anna, boris, clara] = await Promise.all(dual.map((machine) => receiving(t, machine)));
    assert.ok(anna && boris && clara);
    const six = await receiving(t, network.machine(4, { ...BOTH, v4: false }));
    const four = await receiving(t, network.machine(5, { ...BOTH, v6: false }));

    // A device that speaks only the one protocol sees none that speaks only the other.
    const all = [anna, boris, clara, six, four];
    const cannotSee = new Map([
      [six, four],
      [four, six],
    ]);
    for (const device of all) {
      const others = all.filter((other) => other !== device && cannotSee.get(device) !== other);
      for (const { address, roundTripMs } of await sees(device, others)) {
        assert.match(address, /^(?:10\.77\.0\.\d|\[(?:fd77::\d|fe80:[0-9a-f:]+%eth0)\]):47470$/u);
        assert.ok(roundTripMs > 0);
      }
    }

    // One more window of a user is no device of its own.
    await anna.home.attach('another window');

    // One goes with a goodbye: noticed at once.
    await clara.window.connection.sendRequest(requests.stopReceiver);
    await Promise.all([sees(anna, [boris, six, four]), sees(boris, [anna, six, four])]);

    // One goes without a word: noticed when it does not answer.
    boris.process.kill('SIGKILL');
    await boris.process.ended;
    await sees(anna, [six, four]);

    // It comes back at other addresses: the same device.
    boris.machine.removeAddress('10.77.0.2/24');
    boris.machine.removeAddress('fd77::2/64');
    boris.machine.addAddress('10.77.0.202/24');
    const again = await startEngine(boris.home, boris.machine);
    await again.window.connection.sendRequest(requests.startReceiver);
    assert.equal(again.fingerprint, boris.fingerprint);
    await sees(anna, [{ ...boris, ...again }, six, four]);

    // One gets another address while it runs: it is found there.
    anna.machine.removeAddress('10.77.0.1/24');
    anna.machine.addAddress('10.77.0.101/24');
    await four.window.find('the new address', ({ nearby }) => {
      return nearby.some(
        (each) => each.fingerprint === anna.fingerprint && each.address === '10.77.0.101:47470',
      );
    });
  },
);

test(
  'who only looks is not seen; who has set a name is seen under it, and is not trusted for it',
  needsNetworks,
  async (t) => {
    const network = Network.make(t);
    const named = await receiving(t, network.machine(1), { deviceName: 'the kitchen' });
    const looker = await startDevice(t, network.machine(2));
    await looker.window.connection.sendNotification(clientNotifications.peersShown, { isShown: true });
    const [found] = await sees(looker, [named]);
    assert.equal(found?.deviceName, 'the kitchen');
    assert.deepEqual(looker.window.state.peers, []);
    assert.deepEqual(named.window.state.nearby, []);

    // Not shown any more, nobody is looked for.
    await looker.window.connection.sendNotification(clientNotifications.peersShown, { isShown: false });
    await sees(looker, []);
  },
);

test('with discovery off nothing is announced, and nobody is looked for', needsNetworks, async (t) => {
  const network = Network.make(t);
  const heard = await hear(t, network.machine(3));
  const hidden = await receiving(t, network.machine(1), { discovery: 'off' });
  await hidden.window.connection.sendNotification(clientNotifications.peersShown, { isShown: true });
  // Somebody who is announced afterwards is heard; so what came before has been heard, too.
  const other = await receiving(t, network.machine(2));
  await heard.until(/5f706565722d636f7572696572/u);
  const instances = new Set(
    heard.packets.flatMap(
      (packet) =>
        Buffer.from(packet, 'hex')
          .toString('latin1')
          .match(/[0-9a-f]{16}/gu) ?? [],
    ),
  );
  assert.equal(instances.size, 1);
  assert.deepEqual(other.window.state.nearby, []);
  assert.deepEqual(hidden.window.state.nearby, []);
});

test(
  'case 160: what is announced names no user, no machine, no path and no key',
  needsNetworks,
  async (t) => {
    const network = Network.make(t);
    const heard = await hear(t, network.machine(3));
    const device = await receiving(t, network.machine(1));
    await receiving(t, network.machine(2), { deviceName: 'the kitchen' });
    await heard.until(Buffer.from('the kitchen').toString('hex'));
    await device.window.connection.sendRequest(requests.stopReceiver);
    await heard.until(GOODBYE);
    const bytes = Buffer.from(heard.packets.join(''), 'hex');
    assert.ok(!bytes.includes(Buffer.from(device.fingerprint, 'hex')));
    const all = bytes.toString('latin1');
    const secrets = [hostname(), userInfo().username, homedir(), device.home.storage, device.fingerprint];
    for (const secret of secrets) assert.ok(!all.toLowerCase().includes(secret.toLowerCase()), secret);
    for (const packet of heard.packets) assert.ok(packet.length / 2 <= 1200);
  },
);

test(
  'a known peer at another address than before is found by its key: the terminal sends to its name',
  needsNetworks,
  async (t) => {
    const network = Network.make(t);
    const [here, there] = [network.machine(1), network.machine(2)];
    const scene = new Scene(t);
    makeTree(scene.folder, { first: file('first'), second: file('second') });
    const everywhere = ['--host', '::', '--port', String(PORT)];
    const before = await scene.receive({ within: there.within, words: everywhere });
    const first = await scene.send([scene.path('first')], { within: here.within });
    const { peer } = eventOf(first, 'connected');
    await before.stop();

    there.removeAddress('10.77.0.2/24');
    there.removeAddress('fd77::2/64');
    there.addAddress('10.77.0.202/24');
    await scene.receive({ within: there.within, words: everywhere });
    const sent = await scene.send([scene.path('second')], {
      within: here.within,
      words: ['--to', String(peer)],
    });
    assert.equal(sent.status, 0, sent.stderr);
    assert.match(String(eventOf(sent, 'connected')['address']), /10\.77\.0\.202|fe80/u);

    // Hidden, it is not: the user has to say where.
    const nearby = scene.run(['nearby', '--state', scene.senderState, '--json'], { within: here.within });
    const found = (await nearby.ended).events.filter(({ event }) => event === 'nearby');
    assert.deepEqual(
      found.map(({ name }) => name),
      [peer],
    );
  },
);

test('a terminal that waits to pair is found by others; one that hides is not', needsNetworks, async (t) => {
  const network = Network.make(t);
  const [here, there] = [network.machine(1), network.machine(2)];
  const scene = new Scene(t);
  const lookAround = async (): Promise<readonly unknown[]> => {
    const words = ['nearby', '--state', scene.senderState, '--json'];
    const { events } = await scene.run(words, { within: here.within }).ended;
    return events.filter(({ event }) => event === 'nearby').map(({ name }) => name);
  };
  const waiting = scene.run(['pair', '--state', scene.receiverState, '--json'], { within: there.within });
  await waiting.event('waiting');
  assert.deepEqual(await lookAround(), [undefined]);
  await waiting.stop();
  await scene.receive({ within: there.within, words: ['--host', '::', '--port', String(PORT), '--hidden'] });
  assert.deepEqual(await lookAround(), []);
});

interface Heard {
  readonly packets: readonly string[];
  /** Resolves when a packet has come that matches. */
  until(pattern: RegExp | string): Promise<void>;
}

/** Somebody on the network who writes down all that is said there. */
async function hear(t: TestContext, machine: Machine): Promise<Heard> {
  const program = join(import.meta.dirname, '../support/hearPackets.ts');
  const [command = '', ...words] = machine.within([process.execPath, program]);
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  });
  const packets: string[] = [];
  let wake = Promise.withResolvers<void>();
  const opened: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    (line === 'listening' ? opened : packets).push(line);
    wake.resolve();
    wake = Promise.withResolvers();
  });
  while (opened.length < 2) await wake.promise;
  return {
    packets,
    async until(pattern) {
      while (!packets.some((packet) => new RegExp(pattern, 'u').test(packet))) await wake.promise;
    },
  };
}
