import type { Load } from './load.ts';
import type { Share } from './processes.ts';

type Row = readonly string[];

/** Two tables in Markdown: what the attacks did to the receiver, and what became of them and of others. */
export function tables(loads: readonly Load[]): string {
  return [costs(loads), outcomes(loads)].map(table).join('\n\n');
}

function costs(loads: readonly Load[]): readonly Row[] {
  const head = [
    'attack',
    'from',
    'memory, MiB: before / during / after',
    'descriptors',
    'processor, share of a core',
    'transfer, MiB/s',
    'during ÷ mean of before and after',
    'transfer, MiB for a second of processor time',
  ];
  const rows = loads.map((load) => {
    const phases = [load.before, load.during, load.after];
    const all = (tell: (share: Share) => string): string => phases.map(tell).join(' / ');
    return [
      load.kind,
      originOf(load),
      all(({ residentMib }) => residentMib.toFixed(0)),
      all(({ openDescriptors }) => String(openDescriptors)),
      all(({ cpu }) => `${(cpu * 100).toFixed(0)} %`),
      all(({ writtenMibPerSecond }) => writtenMibPerSecond.toFixed(0)),
      keptShare(load).toFixed(2),
      all(({ writtenMibPerSecond, cpu }) => (writtenMibPerSecond / cpu).toFixed(0)),
    ];
  });
  return [head, ...rows];
}

/** Of the rate around the attack: a transfer may become faster or slower by itself. */
function keptShare({ before, during, after }: Load): number {
  return (2 * during.writtenMibPerSecond) / (before.writtenMibPerSecond + after.writtenMibPerSecond);
}

function outcomes(loads: readonly Load[]): readonly Row[] {
  const head = [
    'attack',
    'from',
    'attempts a second',
    'got through',
    'which means',
    'a paired peer comes in from elsewhere after',
    'from an address of the attack',
    'from where one was before',
  ];
  const rows = loads.map((load) => [
    load.kind,
    originOf(load),
    (load.report.attempts / load.seconds).toFixed(0),
    String(load.report.through),
    load.report.meaning,
    waited(load.newcomerMs),
    waited(load.neighbourMs),
    waited(load.regularMs),
  ]);
  return [head, ...rows];
}

const originOf = ({ sources }: Load): string => (sources === 1 ? 'one address' : `${sources} addresses`);
const waited = (ms: number | undefined): string => (ms === undefined ? 'not' : `${(ms / 1000).toFixed(2)} s`);

function table([head = [], ...rows]: readonly Row[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
