import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';
import type { Data } from './dataSets.ts';
import type { Race, Sample, ToolResult } from './figures.ts';
import { findDifference } from './identical.ts';
import type { Path } from './paths.ts';
import type { Processes } from './processes.ts';
import { spreadOf } from './statistics.ts';
import type { Plan, Setting, Tool } from './tools.ts';
import { measure, NotMeasured } from './transfer.ts';

/** What all races of a run have in common. */
export interface Rig {
  /** A folder on the memory disk, removed in the end. */
  readonly scratch: string;
  readonly keys: string;
  readonly processes: Processes;
  /** Rounds of each race. */
  readonly runs: number;
  /** What one transfer may take. */
  readonly limitSeconds: number;
  /** Of the program under test. */
  readonly commit: string;
  readonly say: (line: string) => void;
  /** Is told what a tool was called with the first time, placeholders in capitals. */
  readonly onCommands: (tool: string, plan: Plan, setting: Setting) => void;
  /** Stops everything. */
  readonly signal: AbortSignal;
}

export interface RaceOptions {
  readonly pathName: string;
  readonly path: Path;
  readonly dataName: string;
  readonly data: Data;
  readonly tools: readonly Tool[];
}

const FIRST_PORT = 20_000;
const PORTS = 20_000;
let portsUsed = 0;

/** Runs all tools in turn, several rounds; who fails or takes too long is not run again. */
export async function race(rig: Rig, { pathName, path, dataName, data, tools }: RaceOptions): Promise<Race> {
  const load = loadavg()[0] ?? 0;
  const samples = new Map<Tool, Sample[]>(tools.map((tool) => [tool, []]));
  const ended = new Map<Tool, string>();
  for (let round = 0; round < rig.runs; round += 1) {
    for (const [tool, done] of samples) {
      if (ended.has(tool)) continue;
      try {
        const sample = await once(rig, tool, path, data);
        done.push(sample);
        rig.say(`  ${round + 1}/${rig.runs} ${tool.name.padEnd(20)} ${sample.seconds.toFixed(2)} s`);
      } catch (error) {
        if (!(error instanceof NotMeasured)) throw error;
        ended.set(tool, error.message);
        rig.say(`  ${round + 1}/${rig.runs} ${tool.name.padEnd(20)} ${error.message}`);
      }
      rig.signal.throwIfAborted();
    }
  }
  const results = [...samples].map(([tool, done]): ToolResult => ({
    tool: tool.name,
    samples: done,
    ended: ended.get(tool),
  }));
  return {
    path: pathName,
    data: dataName,
    bytes: data.bytes,
    files: data.files,
    measuredAt: new Date().toISOString(),
    commit: rig.commit,
    load,
    tools: results.toSorted((left, right) => medianSeconds(left) - medianSeconds(right)),
  };
}

/** One transfer into an empty folder, or one with the older version; counts only if what arrives is identical. */
export async function once(
  rig: Rig,
  tool: Pick<Tool, 'name' | 'plan' | 'sendsFiles'>,
  path: Path,
  data: Data,
): Promise<Sample> {
  const [work, destination] = [join(rig.scratch, 'work'), join(rig.scratch, 'destination')];
  for (const folder of [work, destination]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  const arrived = join(destination, basename(data.source));
  if (data.before !== undefined) cpSync(data.before, arrived, { recursive: true, preserveTimestamps: true });
  const port = FIRST_PORT + (portsUsed % PORTS);
  portsUsed += 1;
  const setting: Setting = {
    source: data.source,
    bytes: data.bytes,
    destination,
    isAgain: data.before !== undefined,
    host: path.host,
    port,
    work,
    keys: rig.keys,
  };
  const plan = tool.plan(setting);
  rig.onCommands(tool.name, plan, setting);
  const log = join(work, 'log');
  writeFileSync(log, '');
  const { processes, limitSeconds } = rig;
  try {
    const sample = await measure(plan, { path, processes, port, limitSeconds, log });
    const difference = tool.sendsFiles ? await findDifference(data.source, arrived) : undefined;
    if (difference !== undefined) throw new NotMeasured(`what arrived differs: ${basename(difference)}`);
    return sample;
  } catch (error) {
    // Whoever stops the bench ends the tool, too; that is not the tool's failure.
    rig.signal.throwIfAborted();
    throw error;
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
}

function medianSeconds({ samples }: ToolResult): number {
  return samples.length === 0
    ? Number.POSITIVE_INFINITY
    : spreadOf(samples.map(({ seconds }) => seconds)).median;
}
