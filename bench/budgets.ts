/**
 * What the product wants to be, as data: ratios within one race, or a share of the bytes. Who measures also judges,
 * so that a figure that falls short cannot be overlooked or talked around.
 */
import type { MemoryCase, Race } from './figures.ts';
import { secondsOf } from './figures.ts';
import { OURS } from './ours.ts';
import type { PathKind } from './paths.ts';
import { ratioOf, spreadOf } from './statistics.ts';
import type { Spread } from './statistics.ts';

/** What ours is held against: another tool's time, the time that the line itself needs, or the bytes that are sent. */
type Yardstick =
  | { readonly than: 'tool'; readonly tool: string; readonly timesAsFast: number }
  | { readonly than: 'line'; readonly share: number }
  | { readonly than: 'bytes'; readonly atMostShare: number };

export interface Budget {
  readonly path: string;
  readonly data: string;
  /** What has to be met, or what would be better still. */
  readonly kind: 'budget' | 'stretch';
  readonly yardstick: Yardstick;
}

function faster(
  path: string,
  data: string,
  tool: string,
  timesAsFast: number,
  kind: Budget['kind'] = 'budget',
): Budget {
  return { path, data, kind, yardstick: { than: 'tool', tool, timesAsFast } };
}

export const BUDGETS: readonly Budget[] = [
  faster('open', 'noise', 'scp', 2.5),
  faster('open', 'noise', 'rsync-ssh', 2.5),
  faster('open', 'noise', 'rsync-daemon', 1, 'stretch'),
  faster('open', 'text', 'scp', 2.5),
  faster('open', 'text', 'rsync-daemon', 1, 'stretch'),
  faster('open', 'workspace', 'rsync-ssh', 3),
  faster('open', 'workspace', 'rsync-daemon', 1, 'stretch'),
  faster('open', 'small', 'rsync-ssh', 1),
  faster('open', 'small', 'tar-zstd', 1, 'stretch'),
  faster('gigabit', 'text', 'iperf3', 1),
  faster('gigabit', 'text', 'rsync-ssh-z', 1),
  faster('gigabit', 'text', 'tar-zstd', 1),
  faster('gigabit', 'text', 'iperf3', 3, 'stretch'),
  faster('gigabit', 'noise', 'iperf3', 0.97),
  faster('gigabit', 'noise', 'iperf3', 0.99, 'stretch'),
  faster('far', 'noise', 'scp', 8),
  faster('far', 'noise', 'rsync-ssh', 8),
  { path: 'far', data: 'noise', kind: 'stretch', yardstick: { than: 'line', share: 0.8 } },
  { path: 'open', data: 'again', kind: 'budget', yardstick: { than: 'bytes', atMostShare: 0.012 } },
  faster('open', 'again', 'rsync-ssh', 1),
];

/** Of one engine, whatever is sent. */
export const MEMORY_BUDGET_BYTES = { budget: 200 * 2 ** 20, stretch: 120 * 2 ** 20 } as const;

export type Verdict = 'met' | 'missed' | 'not measured';

export interface Judgement {
  readonly verdict: Verdict;
  /** In the yardstick's unit. */
  readonly measured: Spread | undefined;
}

/**
 * Judges the medians. Where ours failed or took too long, the budget is missed; where only the other tool did, there is
 * no ratio, and nothing is measured.
 */
export function judge(
  { path, data, yardstick }: Budget,
  races: readonly Race[],
  paths: readonly PathKind[],
): Judgement {
  const race = races.find((each) => each.path === path && each.data === data);
  const link = paths.find(({ name }) => name === path)?.link;
  const hasFailed = race?.tools.some(({ tool, ended }) => tool === OURS && ended !== undefined) ?? false;
  const measured = race === undefined ? undefined : measuredBy(yardstick, race, link);
  if (hasFailed) return { verdict: 'missed', measured };
  if (measured === undefined) return { verdict: 'not measured', measured };
  return { verdict: isMet(yardstick, measured.median) ? 'met' : 'missed', measured };
}

/** Judges the larger of the two engines; what failed has missed it. */
export function judgeMemory(
  { senderPeakBytes, receiverPeakBytes, failed }: MemoryCase,
  limitBytes: number,
): Verdict {
  const isWithin = failed === undefined && Math.max(senderPeakBytes, receiverPeakBytes) <= limitBytes;
  return isWithin ? 'met' : 'missed';
}

function measuredBy(
  yardstick: Yardstick,
  race: Race,
  link: PathKind['link'] | undefined,
): Spread | undefined {
  const ours = secondsOf(race, OURS);
  switch (yardstick.than) {
    case 'tool':
      return ratioOf(secondsOf(race, yardstick.tool), ours);
    case 'line': {
      if (link?.rateMbit === undefined) return undefined;
      const lineSeconds = (race.bytes * 8) / (link.rateMbit * 1e6);
      return ours.length === 0 ? undefined : spreadOf(ours.map((seconds) => lineSeconds / seconds));
    }
    case 'bytes': {
      const samples = race.tools.find(({ tool }) => tool === OURS)?.samples ?? [];
      return samples.length === 0
        ? undefined
        : spreadOf(samples.map(({ pathBytes }) => pathBytes / race.bytes));
    }
  }
}

function isMet(yardstick: Yardstick, measured: number): boolean {
  switch (yardstick.than) {
    case 'tool':
      return measured >= yardstick.timesAsFast;
    case 'line':
      return measured >= yardstick.share;
    case 'bytes':
      return measured <= yardstick.atMostShare;
  }
}
