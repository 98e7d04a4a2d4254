import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { interfaceBytes, isAlive, isListening } from './proc.ts';
import type { Processes, Running } from './processes.ts';

/** What lies between the two machines: nothing, a rate, or a long and lossy line. */
export type Link =
  | { readonly kind: 'near'; readonly rateMbit: number | undefined }
  | {
      readonly kind: 'far';
      /** There and back. */
      readonly rttMs: number;
      readonly rateMbit: number;
      readonly lossPercent: number;
    };

export interface PathKind {
  readonly name: string;
  readonly title: string;
  readonly link: Link;
  /** How much of each data set is sent over it, so that a run ends on the day it began. */
  readonly share: number;
}

/** The paths of the comparison. */
export const PATHS: readonly PathKind[] = [
  { name: 'open', title: 'No limit', link: { kind: 'near', rateMbit: undefined }, share: 1 },
  { name: 'gigabit', title: 'Gigabit', link: { kind: 'near', rateMbit: 1000 }, share: 1 },
  {
    name: 'far',
    title: '50 ms round trip, 300 Mbit/s, 0.1 % loss',
    link: { kind: 'far', rttMs: 50, rateMbit: 300, lossPercent: 0.1 },
    share: 1 / 8,
  },
];

export type Side = 'sender' | 'receiver';

const SIDES: readonly Side[] = ['sender', 'receiver'];
const ADDRESSES: Readonly<Record<Side, string>> = { sender: '10.66.0.1', receiver: '10.66.0.2' };
const DEVICE = 'bench0';
const LOSS_SEED = 7;
/** What most systems use. */
const CONGESTION_CONTROL = 'cubic';
const READY_LIMIT_MS = 10_000;
const GLANCE_MS = 10;

/** Two network namespaces of this machine and what joins them. Nothing of it reaches another machine. */
export class Path {
  readonly host = ADDRESSES.receiver;
  readonly #processes: Processes;
  readonly #line: Running | undefined;
  /** Holds the receiver's namespace open, so that it can be looked into. */
  readonly #holder: Running;

  private constructor(processes: Processes, line: Running | undefined) {
    this.#processes = processes;
    this.#line = line;
    this.#holder = processes.start(this.within('receiver', ['sleep', 'infinity']), '/dev/null');
  }

  /** Needs root. `scratch` is where a line's program and what it says are put. */
  static async open(link: Link, processes: Processes, scratch: string): Promise<Path> {
    requireCongestionControl();
    try {
      for (const side of SIDES) ip('netns', 'add', nameOf(side));
      const line = link.kind === 'far' ? await startLine(link, processes, scratch) : undefined;
      if (link.kind === 'near') {
        const [one, other] = SIDES.map(nameOf);
        ip('link', 'add', DEVICE, 'netns', one ?? '', 'type', 'veth', 'peer', DEVICE, 'netns', other ?? '');
      }
      for (const side of SIDES) configure(side, link);
      return new Path(processes, line);
    } catch (error) {
      removeNamespaces();
      throw error;
    }
  }

  /** The same words, to be run on one side. */
  within(side: Side, words: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', nameOf(side), ...words];
  }

  /** What has passed so far, in both directions, with all headers. */
  passedBytes(): number {
    return interfaceBytes(this.#holder.pid, DEVICE);
  }

  /** Whether the receiver's side listens on a port. */
  isListening(port: number): boolean {
    return isListening(this.#holder.pid, port);
  }

  async close(): Promise<void> {
    await this.#processes.stop(this.#holder);
    if (this.#line !== undefined) await this.#processes.stop(this.#line);
    removeNamespaces();
  }
}

/** Removes the namespaces of runs that were killed, with what still runs in them. */
export function removeStaleNamespaces(): void {
  const folder = '/run/netns';
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const pid = /^pcbench(?<pid>\d+)-/u.exec(name)?.groups?.['pid'];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const left = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
    for (const each of left.split('\n').filter(Boolean)) process.kill(Number(each), 'SIGKILL');
    ip('netns', 'delete', name);
  }
}

function removeNamespaces(): void {
  for (const side of SIDES) {
    if (existsSync(`/run/netns/${nameOf(side)}`)) ip('netns', 'delete', nameOf(side));
  }
}

/** Some systems let no namespace but the first have it; and that is a setting of the whole machine, not ours to change. */
function requireCongestionControl(): void {
  const setting = 'net.ipv4.tcp_allowed_congestion_control';
  const allowed = readFileSync(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8').trim();
  if (allowed.split(' ').includes(CONGESTION_CONTROL)) return;
  const remedy = `sysctl -w ${setting}="${allowed} ${CONGESTION_CONTROL}"`;
  throw new Error(
    `This system does not let a network namespace use TCP ${CONGESTION_CONTROL}. Allow it: ${remedy}`,
  );
}

function nameOf(side: Side): string {
  return `pcbench${process.pid}-${side}`;
}

function configure(side: Side, link: Link): void {
  const name = nameOf(side);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'address', 'add', `${ADDRESSES[side]}/24`, 'dev', DEVICE);
  ip('-n', name, 'link', 'set', DEVICE, 'up', 'txqueuelen', '10000');
  // No connection profits from what an earlier one has learnt about the path.
  const settings = [
    `net.ipv4.tcp_congestion_control=${CONGESTION_CONTROL}`,
    'net.ipv4.tcp_no_metrics_save=1',
  ];
  run('ip', 'netns', 'exec', name, 'sysctl', '-qw', ...settings);
  if (link.kind === 'near' && link.rateMbit !== undefined) {
    const shape = ['tbf', 'rate', `${link.rateMbit}mbit`, 'burst', '256k', 'latency', '20ms'];
    run('tc', '-n', name, 'qdisc', 'add', 'dev', DEVICE, 'root', ...shape);
  }
}

async function startLine(
  { rttMs, rateMbit, lossPercent }: Link & { readonly kind: 'far' },
  processes: Processes,
  scratch: string,
): Promise<Running> {
  const [program, log] = [join(scratch, 'wanlink'), join(scratch, `wanlink-${Date.now()}.log`)];
  if (!existsSync(program)) run('cc', '-O2', '-o', program, join(import.meta.dirname, 'wanlink.c'));
  const figures = [rttMs, rateMbit, lossPercent, LOSS_SEED].map(String);
  const line = processes.start([program, ...SIDES.map(nameOf), DEVICE, ...figures], log);
  const deadline = performance.now() + READY_LIMIT_MS;
  while (readFileSync(log, 'utf8').trim() !== 'ready') {
    if (performance.now() > deadline || !isAlive(line.pid)) {
      await processes.stop(line);
      throw new Error(`the long line could not be laid: ${readFileSync(log, 'utf8')}`);
    }
    await pause(GLANCE_MS);
  }
  return line;
}

function ip(...words: readonly string[]): void {
  run('ip', ...words);
}

function run(program: string, ...words: readonly string[]): void {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
