/** What `npm run bench` does: see README.md beside this file. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { DATA_SETS, dataAt } from './dataSets.ts';
import type { Data, DataSet } from './dataSets.ts';
import { growthSteps } from './growth.ts';
import { commitOf, describeMachine, find } from './machine.ts';
import { measureMemory, memoryLoads } from './memory.ts';
import { OURS, OURS_AT_FIRST, OurProgram } from './ours.ts';
import { Path, PATHS, removeStaleNamespaces } from './paths.ts';
import type { Link, PathKind } from './paths.ts';
import { isAlive } from './proc.ts';
import { Processes } from './processes.ts';
import { once, race } from './race.ts';
import type { Rig } from './race.ts';
import { ResultsFile } from './resultsFile.ts';
import { PEERS } from './tools.ts';
import type { Plan, Setting, Tool } from './tools.ts';

export const PARTS = ['comparison', 'growth', 'memory'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  /** Short names; empty: all. */
  readonly paths: readonly string[];
  readonly data: readonly string[];
  readonly tools: readonly string[];
  readonly axes: readonly string[];
  readonly loads: readonly string[];
  /** Numbers of connections; they are left out while the program has no such option. */
  readonly lanes: readonly number[];
  readonly runs: number;
  /** How much of everything is sent: 1 is all. */
  readonly scale: number;
  /** What a transfer of the comparison may take; one of the growing ones takes {@link GROWTH_PATIENCE} times that. */
  readonly limitSeconds: number;
  /** Where data is made and received: a memory disk. */
  readonly disk: string;
  /** Where the results go. */
  readonly output: string;
  /** Whether figures of another machine, which are there, are to go. */
  readonly isFresh: boolean;
  /** The words of the call. */
  readonly call: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const GROWTH_PATIENCE = 4;
/** What ours is drawn beside. */
const GROWTH_TOOL = 'rsync-ssh';
/** For what else happens on a disk meanwhile. */
const ROOM_TO_SPARE = 1.2;
const SCRATCH = 'peer-courier-bench-';
/** Beyond this, per processor, somebody else is at work. */
const BUSY_LOAD = 0.25;

/** Measures what is asked for and writes it down. Throws with one sentence if it cannot be done on this machine. */
export async function bench(options: BenchOptions): Promise<void> {
  const { disk, output, say, signal } = options;
  requireNames(options);
  requireMachine();
  removeStale(disk);
  const scratch = join(disk, `${SCRATCH}${process.pid}`);
  const processes = new Processes();
  const stop = (): void => void processes.stopAll();
  signal.addEventListener('abort', stop);
  mkdirSync(scratch, { mode: 0o755 });
  // What is started here puts its own files there, too.
  process.env['TMPDIR'] = scratch;
  try {
    await new Bench(options, scratch, processes).run();
    say(`Written: ${join(output, 'results.md')}`);
  } finally {
    signal.removeEventListener('abort', stop);
    await processes.stopAll();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One run. */
class Bench {
  readonly #options: BenchOptions;
  readonly #scratch: string;
  readonly #processes: Processes;
  readonly #ours: OurProgram;
  readonly #results: ResultsFile;
  readonly #rig: Rig;
  /** Whose commands are written down. */
  readonly #known = new Set<string>();

  constructor(options: BenchOptions, scratch: string, processes: Processes) {
    this.#options = options;
    this.#scratch = scratch;
    this.#processes = processes;
    this.#ours = new OurProgram(join(scratch, 'ours'));
    this.#results = ResultsFile.open(options.output, describeMachine(PEERS, scratch), {
      saysDisk: options.parts.every((part) => part === 'memory'),
      isFresh: options.isFresh,
    });
    this.#rig = {
      scratch,
      keys: makeKeys(join(scratch, 'keys')),
      processes,
      runs: options.runs,
      limitSeconds: options.limitSeconds,
      commit: commitOf(),
      say: options.say,
      onCommands: (tool, plan, setting) => this.#note(tool, plan, setting),
      signal: options.signal,
    };
  }

  async run(): Promise<void> {
    const { parts, call, say } = this.#options;
    const [load = 0] = loadavg();
    if (load > BUSY_LOAD * availableParallelism()) {
      say(
        `This machine is busy (load ${load.toFixed(1)}): the figures will say so, and are not to be quoted.`,
      );
    }
    this.#results.addCall(call);
    try {
      if (parts.includes('comparison') || parts.includes('growth')) await this.#pair();
      if (parts.includes('comparison')) await this.#compare();
      if (parts.includes('growth')) await this.#grow();
      if (parts.includes('memory')) await this.#weigh();
    } finally {
      this.#results.publish();
    }
  }

  /** Makes our two ends known to each other, as they are before any transfer but the first. */
  async #pair(): Promise<void> {
    const source = join(this.#scratch, 'greeting');
    writeFileSync(source, 'hello');
    const plan = (setting: Setting): Plan => this.#ours.pairing(setting);
    const pairing = { name: 'pairing', sendsFiles: true, plan };
    await this.#over({ kind: 'near', rateMbit: undefined }, (path) =>
      once(this.#rig, pairing, path, dataAt(source)),
    );
  }

  async #compare(): Promise<void> {
    const tools = this.#installed([this.#ours.tool, this.#ours.toolAtFirst, ...PEERS]);
    for (const dataSet of chosen(DATA_SETS, this.#options.data)) {
      for (const path of chosen(PATHS, this.#options.paths)) {
        const fitting = dataSet.name === 'again' ? tools.filter(({ updates }) => updates) : tools;
        await this.#compareOne(dataSet, path, fitting);
      }
    }
  }

  async #compareOne(dataSet: DataSet, kind: PathKind, tools: readonly Tool[]): Promise<void> {
    if (tools.length === 0) return;
    const share = kind.share * this.#options.scale;
    const title = `${kind.title}: ${dataSet.title}`;
    const names = { pathName: kind.name, dataName: dataSet.name };
    await this.#withData(
      title,
      share * dataSet.needsBytes,
      (folder) => dataSet.make(folder, share),
      async (data) => {
        const result = await this.#over(kind.link, (path) =>
          race(this.#rig, { ...names, path, data, tools }),
        );
        this.#results.addRace(result);
      },
    );
  }

  async #grow(): Promise<void> {
    const peers = PEERS.filter(({ name }) => name === GROWTH_TOOL);
    const tools = this.#installed([this.#ours.tool, ...peers]);
    // Without ours there is nothing to draw.
    if (!tools.some(({ name }) => name === OURS)) return;
    const rig = { ...this.#rig, limitSeconds: this.#rig.limitSeconds * GROWTH_PATIENCE };
    const steps = growthSteps(this.#options.scale, this.#lanes());
    const { axes } = this.#options;
    for (const { axis, x, link, needsBytes, make } of steps) {
      if (axes.length > 0 && !axes.includes(axis)) continue;
      const own = axis === 'lanes' ? [this.#ours.toolWithLanes(x)] : tools;
      await this.#withData(`How cost grows: ${axis} ${x}`, needsBytes, make, async (data) => {
        const names = { pathName: link.kind, dataName: axis };
        const result = await this.#over(link, (path) => race(rig, { ...names, path, data, tools: own }));
        this.#results.addPoint({ axis, x, race: result });
      });
    }
  }

  #lanes(): readonly number[] {
    const why = this.#ours.hasLanes ? undefined : 'this version sends over one';
    this.#leaveOut('how cost grows with connections', why);
    return why === undefined ? this.#options.lanes : [];
  }

  async #weigh(): Promise<void> {
    const { scale, loads, say, signal } = this.#options;
    for (const load of chosen(memoryLoads(scale), loads)) {
      const folder = join(this.#scratch, 'memory');
      say(`Memory: ${load.title}`);
      if (!this.#hasRoom(load.title, load.needsBytes)) continue;
      const measured = await measureMemory(load, { folder, commit: this.#rig.commit, signal });
      rmSync(folder, { recursive: true, force: true });
      const [sender, receiver] = [measured.senderPeakBytes, measured.receiverPeakBytes].map(mebibytes);
      say(
        `  sender ${sender} MiB, receiver ${receiver} MiB, ${measured.seconds.toFixed(1)} s ${measured.failed ?? ''}`,
      );
      this.#results.addMemory(measured);
    }
  }

  /** Makes data, unless there is no room for it, and removes it afterwards. */
  async #withData(
    title: string,
    needsBytes: number,
    make: (folder: string) => Promise<Data>,
    use: (data: Data) => Promise<void>,
  ): Promise<void> {
    this.#options.signal.throwIfAborted();
    if (!this.#hasRoom(title, needsBytes)) return;
    this.#options.say(title);
    const folder = join(this.#scratch, 'data');
    mkdirSync(folder);
    try {
      await use(await make(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #hasRoom(title: string, needsBytes: number): boolean {
    const { bavail, bsize } = statfsSync(this.#scratch);
    const wanted = needsBytes * ROOM_TO_SPARE;
    const hasRoom = bavail * bsize >= wanted;
    const why = `it takes ${(wanted / 1e9).toFixed(1)} GB of ${this.#options.disk}`;
    this.#leaveOut(title, hasRoom ? undefined : why);
    return hasRoom;
  }

  async #over<Value>(link: Link, work: (path: Path) => Promise<Value>): Promise<Value> {
    const path = await Path.open(link, this.#processes, this.#scratch);
    try {
      return await work(path);
    } finally {
      await path.close();
    }
  }

  /** Those that were asked for and are there. */
  #installed(tools: readonly Tool[]): readonly Tool[] {
    return chosen(tools, this.#options.tools).filter(({ title, needs }) => {
      const missing = needs.filter((program) => find(program) === undefined);
      const why = `${missing.join(' and ')} is not installed here`;
      this.#leaveOut(title, missing.length === 0 ? undefined : why);
      return missing.length === 0;
    });
  }

  /** Without a reason it is not left out. */
  #leaveOut(what: string, why: string | undefined): void {
    if (why !== undefined) this.#options.say(`Left out: ${what}: ${why}`);
    this.#results.setLeftOut(what, why);
  }

  #note(tool: string, plan: Plan, { source, bytes, destination, host, port, work, keys }: Setting): void {
    if (this.#known.has(tool) || tool === 'pairing') return;
    this.#known.add(tool);
    const places: readonly (readonly [string, string])[] = [
      [`${process.execPath} ${join(this.#scratch, 'ours', 'dist', 'cli.js')}`, 'peer-courier'],
      [source, 'SOURCE'],
      [destination, 'DESTINATION'],
      [work, 'WORK'],
      [keys, 'KEYS'],
      [this.#scratch, 'SCRATCH'],
      [host, 'HOST'],
      [String(port), 'PORT'],
      [String(bytes), 'BYTES'],
    ];
    const steps = [...plan.servers, ...plan.transfer];
    const commands = steps.map(({ side, words }) => {
      const line = words.map((word) => (/^[\w@%+=:,./~-]+$/u.test(word) ? word : `'${word}'`)).join(' ');
      return { side, words: places.reduce((text, [value, name]) => text.replaceAll(value, name), line) };
    });
    this.#results.setCommands(tool, commands);
  }
}

/** Those of these names, or all. */
function chosen<Item extends { readonly name: string }>(
  items: readonly Item[],
  names: readonly string[],
): readonly Item[] {
  return names.length === 0 ? items : items.filter(({ name }) => names.includes(name));
}

function requireNames({ paths, data, tools, loads }: BenchOptions): void {
  requireKnown('paths', paths, namesOf(PATHS));
  requireKnown('data', data, namesOf(DATA_SETS));
  requireKnown('loads', loads, namesOf(memoryLoads(1)));
  requireKnown('tools', tools, [OURS, OURS_AT_FIRST, ...namesOf(PEERS)]);
}

function requireKnown(option: string, names: readonly string[], known: readonly string[]): void {
  if (names.every((name) => known.includes(name))) return;
  throw new Error(`--${option} takes ${known.join(', ')}.`);
}

function namesOf(items: readonly { readonly name: string }[]): readonly string[] {
  return items.map(({ name }) => name);
}

function requireMachine(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('The bench joins network namespaces, which takes Linux and root.');
  }
  const missing = ['ip', 'tc', 'sysctl', 'cc'].filter((program) => find(program) === undefined);
  if (missing.length > 0) throw new Error(`The bench needs ${missing.join(', ')}: see CONTRIBUTING.md.`);
}

/** What runs that were killed have left. */
function removeStale(disk: string): void {
  removeStaleNamespaces();
  for (const name of readdirSync(disk)) {
    const pid = name.startsWith(SCRATCH) ? Number(name.slice(SCRATCH.length)) : Number.NaN;
    if (Number.isSafeInteger(pid) && !isAlive(pid)) {
      rmSync(join(disk, name), { recursive: true, force: true });
    }
  }
}

/** Keys for a server and its user, in a folder of their own, which it returns. */
function makeKeys(folder: string): string {
  mkdirSync(folder, { mode: 0o700 });
  if (find('ssh-keygen') === undefined || existsSync(join(folder, 'id'))) return folder;
  for (const name of ['host', 'id']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  copyFileSync(join(folder, 'id.pub'), join(folder, 'authorized'));
  return folder;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
