import { setImmediate } from 'node:timers/promises';
import { SimRandom } from '../support/simRandom.ts';
import { SimScheduler } from '../support/simScheduler.ts';
import { SimTrace } from '../support/simTrace.ts';
import { Checks } from './checks.ts';
import { Violation } from './inspection.ts';
import { Storm } from './storm.ts';
import { World } from './world.ts';

/** The longest that all faults of a history last together. */
const STORM_MS = 60 * 60 * 1000;
/** Within so long after the last fault has healed, everything is there. */
const MEND_MS = 5 * 60 * 1000;
/** After the end nothing is left to do within so long. */
const REST_MS = 2 * 60 * 1000;

export interface History {
  readonly seed: number;
  /** Equal for equal histories. */
  readonly digest: string;
  readonly events: number;
  /** How often each fault happened. */
  readonly faults: Storm['happened'];
  readonly sessions: number;
  readonly virtualMs: number;
  /** What was wrong; `undefined` if nothing was. */
  readonly failure: Error | undefined;
  readonly tail: readonly string[];
}

const strays: Error[] = [];
let isListening = false;

function requireNoStrays(): void {
  const [stray] = strays.splice(0);
  if (stray !== undefined) throw new Violation(`a rejection that nobody handles: ${stray.stack}`);
}

/** Runs the history of a seed. `print` gets each event. */
export async function runHistory(seed: number, print?: (line: string) => void): Promise<History> {
  if (!isListening) {
    process.on('unhandledRejection', (reason) => {
      strays.push(reason instanceof Error ? reason : new Error(String(reason)));
    });
  }
  isListening = true;
  const random = new SimRandom(seed);
  const trace = new SimTrace(print);
  const scheduler = new SimScheduler(random.fork('order'), trace);
  const checks = new Checks();
  const world = new World(scheduler, random.fork('world'), checks);
  const storm = new Storm(world, random.fork('storm'));
  checks.watch(world);
  let failure: Error | undefined;
  try {
    await live(world, storm, checks);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    scheduler.note(`FAILED ${failure.message}`);
    // Nothing of it may go on beside the next one.
    for (const machine of Object.values(world.machines)) machine.kill();
  }
  return {
    seed,
    events: trace.events,
    faults: storm.happened,
    sessions: checks.sessionCount,
    virtualMs: scheduler.now,
    failure,
    tail: trace.tail,
    digest: trace.finish(),
  };
}

async function live(world: World, storm: Storm, checks: Checks): Promise<void> {
  const { scheduler } = world;
  const check = (): void => {
    requireNoStrays();
    checks.look();
    storm.look();
  };
  world.start();
  storm.start();
  const isDone = (): boolean => world.isDone;
  await scheduler.run({ until: () => isDone() || storm.isOver, deadlineMs: STORM_MS, check });
  const end = await scheduler.run({ until: isDone, deadlineMs: scheduler.now + MEND_MS, check });
  if (end !== 'reached') {
    throw new Violation(`liveness: not done ${MEND_MS / 60_000} minutes after the last fault (${end})`);
  }
  storm.stop();
  const rest = await scheduler.run({ until: () => false, deadlineMs: scheduler.now + REST_MS, check });
  if (rest !== 'idle') throw new Violation(`something is left over: ${scheduler.pendingLabels.join(', ')}`);
  checks.finish();
  await setImmediate();
  requireNoStrays();
}
