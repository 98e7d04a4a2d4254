/** How a transfer is interrupted: a process is killed, or the path between the two breaks. */
export const INTERRUPTIONS = ['receiver killed', 'sender killed', 'both killed', 'fin', 'rst'] as const;
/** Nobody is told of it: it takes half a minute to show. */
export const BLACK_HOLE = 'black-hole';
export type Interruption = (typeof INTERRUPTIONS)[number] | typeof BLACK_HOLE;

/** What one interruption cost. */
export interface Cost {
  readonly interruption: Interruption;
  /** Bytes on the path that were of no use: sent before it, and not held afterwards. */
  readonly sentAgain: number;
  /** From the moment both sides and the path were up until data flowed. */
  readonly secondsToFlow: number;
}

const MIB = 1024 * 1024;

/** A line for each kind of interruption, and one for all. */
export function table(costs: readonly Cost[]): string {
  const kinds = [...INTERRUPTIONS, BLACK_HOLE].filter((kind) =>
    costs.some(({ interruption }) => interruption === kind),
  );
  const rows = [
    ...kinds.map((kind) =>
      row(
        kind,
        costs.filter(({ interruption }) => interruption === kind),
      ),
    ),
    row('all', costs),
  ];
  const head = ['', 'survived', 'sent again, MiB: median', 'maximum', 'seconds to flow: median', 'maximum'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

function row(name: string, costs: readonly Cost[]): readonly string[] {
  const bytes = costs.map(({ sentAgain }) => sentAgain / MIB);
  const seconds = costs.map(({ secondsToFlow }) => secondsToFlow);
  return [
    name,
    String(costs.length),
    median(bytes).toFixed(2),
    Math.max(...bytes).toFixed(2),
    median(seconds).toFixed(2),
    Math.max(...seconds).toFixed(2),
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
