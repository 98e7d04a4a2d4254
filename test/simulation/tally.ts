import { FAULTS } from './faults.ts';
import type { FaultName } from './faults.ts';
import type { History } from './history.ts';

/** What many histories come to: whether all went well, and whether they were worth running. */
export class Tally {
  readonly failed: History[] = [];
  readonly faults = new Map<FaultName, number>(namesOfFaults().map((name) => [name, 0]));
  histories = 0;
  /** Histories with at least two sessions. */
  interrupted = 0;
  faultless = 0;
  sessions = 0;
  events = 0;
  #virtualMs = 0;

  add(history: History): void {
    this.histories += 1;
    this.sessions += history.sessions;
    this.events += history.events;
    this.#virtualMs += history.virtualMs;
    if (history.sessions > 1) this.interrupted += 1;
    if (history.faults.size === 0) this.faultless += 1;
    if (history.failure !== undefined) this.failed.push(history);
    for (const [name, count] of history.faults) this.faults.set(name, (this.faults.get(name) ?? 0) + count);
  }

  /** The faults that no history had. */
  get missing(): readonly FaultName[] {
    return [...this.faults].filter(([, count]) => count === 0).map(([name]) => name);
  }

  /** `seconds` is how long it took. */
  lines(seconds: number): readonly string[] {
    const faults = [...this.faults].toSorted(([, left], [, right]) => right - left);
    return [
      `${this.histories} histories, ${this.interrupted} of them interrupted, ${this.faultless} without any fault`,
      `${this.sessions} sessions, ${this.events} events, ${(this.#virtualMs / 3_600_000).toFixed(1)} virtual hours`,
      `${seconds.toFixed(1)} s, ${(this.histories / seconds).toFixed(0)} histories a second`,
      ...faults.map(([name, count]) => `${String(count).padStart(8)}  ${name}`),
    ];
  }
}

/** What to do about a history that went wrong. */
export function tellFailure({ seed, failure, tail }: History): string {
  return [
    `seed ${seed}: ${failure?.message ?? 'nothing is wrong'}`,
    `  npm run simulate -- --seed ${seed}`,
    ...tail.slice(-12).map((line) => `    ${line}`),
  ].join('\n');
}

function namesOfFaults(): readonly FaultName[] {
  return Object.keys(FAULTS) as FaultName[];
}
