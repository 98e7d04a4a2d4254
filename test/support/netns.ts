/**
 * Machines made of network namespaces: each has a link to one switch, and, if asked for, a VPN that leads nowhere.
 * Linux, root. All of it goes after the test; nothing of the real machine's network is touched.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Wrapping } from './wrappings.ts';

/** Whether this machine can do that. */
export const canMakeNetworks = process.platform === 'linux' && process.getuid?.() === 0 && hasIp();

export interface MachineOptions {
  readonly v4: boolean;
  readonly v6: boolean;
  /** Has one more interface, up and with an address, from which nothing ever comes back. */
  readonly hasDeadVpn: boolean;
}

export class Network {
  readonly #switch: string;
  readonly #prefix: string;
  readonly #made: string[] = [];

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#switch = `${prefix}-sw`;
  }

  static make(t: TestContext): Network {
    const network = new Network(`pc${randomBytes(3).toString('hex')}`);
    t.after(() => network.#remove());
    network.#add(network.#switch);
    ip('-n', network.#switch, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    ip('-n', network.#switch, 'link', 'set', 'br0', 'up');
    return network;
  }

  /** The `number`th machine, from 1: 10.77.0.number and fd77::number, with a link-local address as well. */
  machine(number: number, options: MachineOptions = { v4: true, v6: true, hasDeadVpn: true }): Machine {
    const name = `${this.#prefix}-${number}`;
    this.#add(name);
    const machine = new Machine(name, number);
    // No waiting for whether an address is taken: here nobody else can have it.
    machine.run(
      'sh',
      '-c',
      'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad',
    );
    if (!options.v6) machine.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip(
      '-n',
      name,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      `port${number}`,
      'netns',
      this.#switch,
    );
    ip('-n', this.#switch, 'link', 'set', `port${number}`, 'master', 'br0', 'up');
    if (options.v4) machine.addAddress(`10.77.0.${number}/24`);
    if (options.v6) machine.addAddress(`fd77::${number}/64`);
    if (options.hasDeadVpn) {
      // Its other end leads to nobody.
      const end = `vpn${number}`;
      ip('-n', name, 'link', 'add', 'vpn0', 'type', 'veth', 'peer', 'name', end, 'netns', this.#switch);
      ip('-n', this.#switch, 'link', 'set', end, 'up');
      if (options.v4) ip('-n', name, 'address', 'add', `10.8.0.${number}/24`, 'dev', 'vpn0');
      ip('-n', name, 'link', 'set', 'vpn0', 'up');
    }
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    return machine;
  }

  #add(name: string): void {
    ip('netns', 'add', name);
    this.#made.push(name);
  }

  #remove(): void {
    for (const name of this.#made) ip('netns', 'delete', name);
  }
}

export class Machine {
  readonly name: string;
  readonly number: number;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
  }

  /** Runs a command on this machine. */
  get within(): Wrapping {
    return (command) => ['ip', 'netns', 'exec', this.name, ...command];
  }

  run(...words: readonly string[]): string {
    const [program = '', ...rest] = this.within(words);
    return execFileSync(program, rest, { encoding: 'utf8' });
  }

  addAddress(address: string): void {
    const noDad = address.includes(':') ? ['nodad'] : [];
    ip('-n', this.name, 'address', 'add', address, 'dev', 'eth0', ...noDad);
  }

  removeAddress(address: string): void {
    ip('-n', this.name, 'address', 'delete', address, 'dev', 'eth0');
  }

  /** Nothing leaves or reaches it any more: a cable that is pulled. */
  unplug(): void {
    ip('-n', this.name, 'link', 'set', 'eth0', 'down');
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function hasIp(): boolean {
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
