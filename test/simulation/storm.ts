import type { SimRandom } from '../support/simRandom.ts';
import { FAULTS } from './faults.ts';
import type { FaultName } from './faults.ts';
import type { World } from './world.ts';

/** A fault whose moment does not come by itself comes after so long. */
const LONGEST_WAIT_MS = 8000;

/**
 * The faults of one history, one after another, at moments that the seed chooses: after some time, after some
 * bytes have arrived, or within some call to a disk. What heals does so by itself, so that faults overlap.
 */
export class Storm {
  // Immutable.
  readonly #world: World;
  readonly #random: SimRandom;

  // Mutable.
  #left: number;
  #running = 0;
  #isStopped = false;
  #atBytes = Number.POSITIVE_INFINITY;
  #fireNow: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  readonly #heals = new Set<() => void>();
  /** The faults that happened, by name. */
  readonly happened = new Map<FaultName, number>();

  constructor(world: World, random: SimRandom) {
    this.#world = world;
    this.#random = random;
    this.#left = random.chance(0.04) ? 0 : random.between(1, 10);
  }

  /** Whether no fault is to come and none lasts. */
  get isOver(): boolean {
    return this.#left === 0 && this.#running === 0;
  }

  start(): void {
    this.#armNext();
  }

  /** To be called after each event. */
  look(): void {
    if (this.#world.net.arrivedBytes < this.#atBytes) return;
    this.#atBytes = Number.POSITIVE_INFINITY;
    this.#fireNow();
  }

  /** No more faults; what lasts is healed now. */
  stop(): void {
    this.#isStopped = true;
    this.#left = 0;
    this.#cancel();
    this.#atBytes = Number.POSITIVE_INFINITY;
    for (const machine of Object.values(this.#world.machines)) machine.onCall = undefined;
    for (const heal of this.#heals) heal();
  }

  /** Something that a fault has to undo after a while. */
  healAfter(delayMs: number, label: string, undo: () => void): void {
    this.#running += 1;
    const heal = (): void => {
      if (!this.#heals.delete(heal)) return;
      cancel();
      this.#running -= 1;
      this.#world.scheduler.note(label);
      undo();
    };
    const cancel = this.#world.scheduler.after(delayMs, '', heal);
    this.#heals.add(heal);
  }

  #armNext(): void {
    if (this.#left === 0 || this.#isStopped) return;
    const random = this.#random;
    const { scheduler, net, machines } = this.#world;
    const trigger = random.weighted({ time: 4, bytes: 3, call: 3 });
    const side = random.chance(0.7) ? 'receiver' : 'sender';
    const moment: Moment = trigger === 'call' ? `call of the ${side}` : 'between';
    const name = random.weighted(WEIGHTS[moment]);
    const machine = machines[side];
    let isFired = false;
    const fire = (): void => {
      if (isFired) return;
      isFired = true;
      cancel();
      this.#atBytes = Number.POSITIVE_INFINITY;
      machine.onCall = undefined;
      this.#left -= 1;
      if (!this.#isStopped && FAULTS[name](this.#world, this, random)) {
        this.happened.set(name, (this.happened.get(name) ?? 0) + 1);
      }
      this.#armNext();
    };
    const waitMs = trigger === 'time' ? random.spread(1, LONGEST_WAIT_MS) : LONGEST_WAIT_MS;
    const cancel = scheduler.after(waitMs, '', fire);
    this.#cancel = cancel;
    this.#fireNow = fire;
    if (trigger === 'bytes') {
      this.#atBytes = net.arrivedBytes + random.spread(1, Math.max(2, this.#world.tree.bytes));
    }
    if (trigger === 'call') {
      // Half of them where names are taken: that is a small part of all calls, and the one that matters most.
      const isNaming = random.chance(0.5);
      let left = Math.floor(random.spread(1, isNaming ? 12 : 200));
      machine.onCall = ({ name: call }) => {
        if (!isNaming || NAMING_CALLS.has(call)) left -= 1;
        if (left <= 0) fire();
      };
    }
  }
}

const NAMING_CALLS: ReadonlySet<string> = new Set([
  'link',
  'rename',
  'unlink',
  'rmdir',
  'removeTree',
  'sync',
  'datasync',
  'syncAll',
  // Of the sender, which takes no names.
  'read',
  'readNow',
]);

type Moment = 'between' | 'call of the receiver' | 'call of the sender';

/** How likely each fault is, between events and within a call to a disk. */
const WEIGHTS: Readonly<Record<Moment, Partial<Record<FaultName, number>>>> = {
  between: {
    'kill sender': 3,
    'kill receiver': 4,
    'kill both': 2,
    'power loss of the sender': 1,
    'power loss of the receiver': 5,
    'power loss of both': 1,
    'connection ended': 2,
    'connection reset': 3,
    'connection forgotten': 2,
    'lane ended': 2,
    'lane reset': 2,
    'lane forgotten': 2,
    'black hole': 2,
    'black hole to the receiver': 1,
    'black hole to the sender': 1,
    'slow reader': 1,
    'disk full': 3,
    'folder away': 2,
    'source changed': 6,
    stranger: 4,
    'received file edited': 4,
    'staging tampered': 4,
    'slow disk': 2,
    'sender paused': 1,
    'receiver paused': 1,
  },
  'call of the receiver': {
    'kill receiver': 6,
    'power loss of the receiver': 8,
    'receiver call fails': 6,
    'receiver call is short': 2,
    stranger: 2,
    'received file edited': 2,
  },
  'call of the sender': {
    'kill sender': 2,
    'sender call fails': 2,
    'sender call is short': 1,
    'source changed': 10,
  },
};
