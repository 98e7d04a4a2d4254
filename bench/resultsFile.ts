import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { AXES, resultsSchema } from './figures.ts';
import type { GrowthPoint, Machine, MemoryCase, Race, Results } from './figures.ts';
import { plotOf } from './growth.ts';
import { DATA_ON } from './machine.ts';
import { draw } from './plot.ts';
import { plotFile, report, titleOf } from './report.ts';

/**
 * What has been measured so far, in a folder: `results.json`, and `results.md` and `plots/`, which are made of it. A
 * figure replaces the one that was there for the same thing; it is written down at once, so that a run that is
 * stopped after hours has not been for nothing.
 */
export class ResultsFile {
  // Immutable.
  readonly #folder: string;

  // Mutable.
  #results: Results;

  private constructor(folder: string, results: Results) {
    this.#folder = folder;
    this.#results = results;
  }

  /**
   * Goes on with what is there. Figures of another machine, or with other versions of tools, are not mixed in; nor are
   * those from another disk, unless each says itself where its data lay. Throws where there are such figures, unless
   * they are to go.
   */
  static open(
    folder: string,
    machine: Machine,
    { saysDisk, isFresh }: { readonly saysDisk: boolean; readonly isFresh: boolean },
  ): ResultsFile {
    const found = read(folder);
    const [was, is] = [found?.machine, machine].map((each) => (saysDisk ? withoutDisk(each) : each));
    const isSame = isDeepStrictEqual(was, is);
    if (found !== undefined && isSame) return new ResultsFile(folder, found);
    if (found !== undefined && !isFresh) {
      const choice = 'Give another --output, or --fresh if they are to go.';
      throw new Error(`The figures in ${folder} come from another machine or other versions. ${choice}`);
    }
    return new ResultsFile(folder, {
      machine,
      calls: [],
      commands: [],
      comparison: [],
      growth: [],
      memory: [],
      leftOut: [],
    });
  }

  /** Makes the page and the pictures again from the figures that are there. */
  static redraw(folder: string): void {
    const results = read(folder);
    if (results === undefined) throw new Error(`there are no figures in ${folder}`);
    new ResultsFile(folder, results).publish();
  }

  addCall(words: string): void {
    this.#change({ calls: [...this.#results.calls.filter((call) => call !== words), words] });
  }

  /** What is left out for a reason; without one it is not left out any more. */
  setLeftOut(what: string, why: string | undefined): void {
    const others = this.#results.leftOut.filter((each) => each.what !== what);
    this.#change({ leftOut: why === undefined ? others : [...others, { what, why }] });
  }

  setCommands(tool: string, commands: readonly { readonly side: string; readonly words: string }[]): void {
    const others = this.#results.commands.filter((each) => each.tool !== tool);
    this.#change({ commands: [...others, ...commands.map((each) => ({ tool, ...each }))] });
  }

  addRace(race: Race): void {
    const others = this.#results.comparison.filter(
      ({ path, data }) => path !== race.path || data !== race.data,
    );
    this.#change({ comparison: [...others, race] });
  }

  addPoint(point: GrowthPoint): void {
    const others = this.#results.growth.filter(({ axis, x }) => axis !== point.axis || x !== point.x);
    this.#change({ growth: [...others, point] });
  }

  addMemory(memory: MemoryCase): void {
    const others = this.#results.memory.filter(({ name }) => name !== memory.name);
    this.#change({ memory: [...others, memory] });
  }

  /** Writes the page and the pictures. */
  publish(): void {
    const plots = AXES.flatMap((axis) => {
      const plot = plotOf(axis, this.#results.growth, titleOf);
      return plot === undefined ? [] : [{ axis, picture: draw(plot) }];
    });
    rmSync(join(this.#folder, 'plots'), { recursive: true, force: true });
    if (plots.length > 0) mkdirSync(join(this.#folder, 'plots'), { recursive: true });
    for (const { axis, picture } of plots) writeFileSync(join(this.#folder, plotFile(axis)), picture);
    const page = report(this.#results, {
      plots: plots.map(({ axis }) => axis),
      readme: relative(this.#folder, join(import.meta.dirname, 'README.md')).replaceAll('\\', '/'),
    });
    writeFileSync(join(this.#folder, 'results.md'), page);
  }

  #change(part: Partial<Results>): void {
    this.#results = { ...this.#results, ...part };
    mkdirSync(this.#folder, { recursive: true });
    const path = fileIn(this.#folder);
    writeFileSync(`${path}.new`, `${JSON.stringify(this.#results, undefined, 1)}\n`);
    renameSync(`${path}.new`, path);
  }
}

function withoutDisk(machine: Machine | undefined): Machine | undefined {
  return machine && { ...machine, settings: machine.settings.filter(([name]) => name !== DATA_ON) };
}

function read(folder: string): Results | undefined {
  const path = fileIn(folder);
  return existsSync(path) ? v.parse(resultsSchema, JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

function fileIn(folder: string): string {
  return join(folder, 'results.json');
}
