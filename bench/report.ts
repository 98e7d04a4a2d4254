/** Writes down what was measured, for people: ratios first, and what falls short by name. */
import { BUDGETS, judge, judgeMemory, MEMORY_BUDGET_BYTES } from './budgets.ts';
import type { Budget, Judgement, Verdict } from './budgets.ts';
import { DATA_SETS } from './dataSets.ts';
import type { Axis, MemoryCase, Race, Results, Sample, ToolResult } from './figures.ts';
import { secondsOf } from './figures.ts';
import { OURS, OURS_AT_FIRST } from './ours.ts';
import { PATHS } from './paths.ts';
import type { PathKind } from './paths.ts';
import { ratioOf, spreadOf } from './statistics.ts';
import type { Spread } from './statistics.ts';
import { PEERS } from './tools.ts';

const TITLES = new Map([
  [OURS, 'peer-courier'],
  [OURS_AT_FIRST, 'peer-courier, its first use'],
  ...PEERS.map(({ name, title }): [string, string] => [name, title]),
]);
/** Fewer rounds are a look and not a result. */
const ENOUGH_RUNS = 5;
/** Beyond this, per processor, the machine had other things to do. */
const BUSY_LOAD = 0.25;

const howToRead = (
  readme: string,
): string => `Written by \`npm run bench\`; every figure comes from [results.json](results.json). What it does is in
[README.md](${readme}#side-by-side).

How to read it:

* **Compare within one table only.** The tools of a table ran in turn, on the same data, over the same path, between
  two network namespaces of one machine. Seconds of two tables, or of two machines, say nothing about each other.
* **Ratios are medians of the rounds' own ratios**, with the least and the greatest in brackets. *Ours is … times as
  fast*: 2 means half the time, and below 1 ours is slower. Seconds are medians, too, with minimum and maximum.
* *peer-courier* is between two devices that know each other; *its first use* makes an identity and pairs before it
  sends. Budgets are held against the former. Both include the start of the program, encryption, a check of every
  byte, and the sync to disk before the receipt; of the others only those over ssh and magic-wormhole encrypt, and
  none syncs.
* *Processor* is the time of all processes on both sides, *memory* the most that any one process had resident, *on
  the path* what went over it in both directions, with all headers.
* A transfer counts only if what arrived is identical, byte for byte. All data lies on a memory disk.
* What is missed is marked **missed**. Nothing that was measured is left out.`;

/** The name that people know a tool by. */
export function titleOf(tool: string): string {
  return TITLES.get(tool) ?? tool;
}

/** The whole page; `plots` are those axes that have a picture, `readme` leads from the page to the bench's own. */
export function report(
  results: Results,
  { plots, readme }: { readonly plots: readonly Axis[]; readonly readme: string },
): string {
  const { comparison, memory, machine, leftOut, commands, calls } = results;
  const sections = [
    '# Side by side',
    howToRead(readme),
    ...warnings(results),
    ...(comparison.length === 0 ? [] : ['## Against the budgets', budgetTable(comparison)]),
    ...PATHS.flatMap((path) => pathSection(path, comparison)),
    ...(plots.length === 0 ? [] : ['## How cost grows', ...plots.map(plotSection)]),
    ...(memory.length === 0 ? [] : ['## Memory', MEMORY_WORDS, memoryTable(memory)]),
    '## Machine and versions',
    table(
      ['', ''],
      [
        ['processors', machine.processors],
        ['memory', `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
        ['system', machine.system],
        ...machine.settings,
        ...machine.versions,
      ],
    ),
    '## Commands',
    `\`\`\`\n${calls.map((words) => `npm run bench${words === '' ? '' : ` -- ${words}`}`).join('\n')}\n\`\`\``,
    'What each tool was called with, on the side that receives and on the one that sends:',
    table(
      ['tool', 'side', 'command'],
      commands.map(({ tool, side, words }) => [titleOf(tool), side, `\`${words.replaceAll('|', '\\|')}\``]),
    ),
    ...(leftOut.length === 0
      ? []
      : ['## Left out', leftOut.map(({ what, why }) => `* ${what}: ${why}`).join('\n')]),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** What makes figures worth less, before the figures. */
function warnings({ comparison, growth, machine }: Results): readonly string[] {
  const races = [...comparison, ...growth.map(({ race }) => race)];
  const processors = Number.parseInt(machine.processors, 10);
  const busy = races.filter(({ load }) => load > BUSY_LOAD * processors);
  const fewest = Math.min(
    ...comparison.flatMap(({ tools }) => tools.map(({ samples }) => samples.length)).filter(Boolean),
  );
  return [
    ...(fewest < ENOUGH_RUNS
      ? [`**Not to be quoted: only ${fewest} rounds.** This was a look, not a measurement.`]
      : []),
    ...(busy.length > 0
      ? [
          `**Not to be quoted: the machine was busy** before ${busy.length} of ${races.length} races (load ${Math.max(...busy.map(({ load }) => load)).toFixed(1)} at most).`,
        ]
      : []),
  ];
}

function budgetTable(races: readonly Race[]): string {
  return table(
    ['path', 'data', 'wanted', 'measured', 'budget', 'stretch'],
    BUDGETS.map((budget) => {
      const judgement = judge(budget, races, PATHS);
      const verdict = verdictWords(judgement.verdict);
      const [must, may] = budget.kind === 'budget' ? [verdict, ''] : ['', verdict];
      const where = [pathTitle(budget.path), dataTitle(budget.data)];
      return where.concat(wanted(budget), measuredWords(budget, judgement), must, may);
    }),
  );
}

function wanted({ yardstick }: Budget): string {
  switch (yardstick.than) {
    case 'tool':
      return `${yardstick.timesAsFast} × as fast as ${titleOf(yardstick.tool)}`;
    case 'line':
      return `${yardstick.share * 100} % of the line`;
    case 'bytes':
      return `at most ${yardstick.atMostShare * 100} % of the bytes`;
  }
}

function measuredWords({ yardstick }: Budget, { measured }: Judgement): string {
  if (measured === undefined) return '';
  return yardstick.than === 'tool' ? spread(measured, 2) : `${spread(scaled(measured, 100), 2)} %`;
}

function verdictWords(verdict: Verdict): string {
  return verdict === 'missed' ? '**missed**' : verdict;
}

function pathSection(path: PathKind, comparison: readonly Race[]): readonly string[] {
  const races = DATA_SETS.flatMap(({ name }) =>
    comparison.filter((race) => race.path === path.name && race.data === name),
  );
  if (races.length === 0) return [];
  const parts = 1 / path.share;
  return [
    `## ${path.title}`,
    ...(parts === 1 ? [] : [`One part in ${parts} of each data set.`]),
    ...races.flatMap((race) => [`### ${dataTitle(race.data)}`, raceWords(race), raceTable(race)]),
  ];
}

function raceWords({ bytes, files, measuredAt, commit, load }: Race): string {
  const what = `${(bytes / 1e6).toFixed(1)} MB in ${files.toLocaleString('en-GB')} ${files === 1 ? 'file' : 'files'}`;
  return `${what}. Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC at ${commit}, load before it ${load.toFixed(2)}.`;
}

function raceTable(race: Race): string {
  const head = [
    '',
    'rounds',
    'seconds',
    'MB/s',
    'ours is … times as fast',
    'processor, s',
    'memory, MiB',
    'on the path, MB',
  ];
  return table(
    head,
    race.tools.map((result) => raceRow(race, result)),
  );
}

function raceRow(race: Race, { tool, samples, ended }: ToolResult): readonly string[] {
  const name = tool === OURS ? `**${titleOf(tool)}**` : titleOf(tool);
  if (samples.length === 0) return [name, '0', ended ?? '', '', '', '', '', ''];
  const spreadOfAll = (of: (sample: Sample) => number): Spread => spreadOf(samples.map(of));
  const seconds = spreadOfAll((sample) => sample.seconds);
  const ratio = tool === OURS ? undefined : ratioOf(secondsOf(race, tool), secondsOf(race, OURS));
  return [
    name,
    `${samples.length}${ended === undefined ? '' : `, then ${ended}`}`,
    spread(seconds, 2),
    (race.bytes / 1e6 / seconds.median).toFixed(1),
    ratio === undefined ? '' : spread(ratio, 2),
    spreadOfAll((sample) => sample.processorSeconds).median.toFixed(2),
    (spreadOfAll((sample) => sample.peakBytes).most / 2 ** 20).toFixed(0),
    (spreadOfAll((sample) => sample.pathBytes).median / 1e6).toFixed(2),
  ];
}

function plotSection(axis: Axis): string {
  return `![${axis}](${plotFile(axis)})`;
}

/** Where a picture lies, from the page. */
export function plotFile(axis: Axis): string {
  return `plots/${axis}.svg`;
}

const MEMORY_WORDS = `The most resident memory of any one engine process, as an editor starts it, on either side. New engines for
each row.`;

function memoryTable(cases: readonly MemoryCase[]): string {
  const { budget, stretch } = MEMORY_BUDGET_BYTES;
  const limits = [budget, stretch].map(
    (bytes, at) => `${at === 0 ? 'budget' : 'stretch'} ${bytes / 2 ** 20} MiB`,
  );
  return table(
    ['', 'data on', 'seconds', 'sender, MiB', 'receiver, MiB', ...limits, 'measured at'],
    cases.map((each) => [
      each.failed === undefined ? each.title : `${each.title}: ${each.failed}`,
      each.disk,
      each.seconds.toFixed(1),
      (each.senderPeakBytes / 2 ** 20).toFixed(0),
      (each.receiverPeakBytes / 2 ** 20).toFixed(0),
      verdictWords(judgeMemory(each, budget)),
      verdictWords(judgeMemory(each, stretch)),
      each.commit,
    ]),
  );
}

function pathTitle(name: string): string {
  return PATHS.find((path) => path.name === name)?.title ?? name;
}

function dataTitle(name: string): string {
  const title = DATA_SETS.find((data) => data.name === name)?.title ?? name;
  return title.charAt(0).toUpperCase() + title.slice(1);
}

function spread({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function scaled({ median, least, most }: Spread, by: number): Spread {
  return { median: median * by, least: least * by, most: most * by };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
