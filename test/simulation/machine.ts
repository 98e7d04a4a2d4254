import { tearsOf, unsyncedBefore } from '../support/simCrash.ts';
import { SimDisk } from '../support/simDisk.ts';
import type { SimCall, SimFault, SimMount } from '../support/simMount.ts';
import type { Side } from '../support/simNet.ts';
import type { SimRandom } from '../support/simRandom.ts';
import { SimClock } from '../support/simScheduler.ts';
import type { SimScheduler } from '../support/simScheduler.ts';

const FIRST_TIME_MS = 1_800_000_000_000;
const ASYNC_CALL_MS = 0.2;
const BYTES_PER_MS = 200_000;

/** What a process of ours has of its machine, until it is killed. */
export interface ProcessPlace {
  readonly clock: SimClock;
  readonly mount: SimMount;
  readonly isAlive: boolean;
}

export interface MachineInit {
  readonly side: Side;
  readonly scheduler: SimScheduler;
  readonly random: SimRandom;
  readonly hasHardLinks: boolean;
  readonly hasSyncAll: boolean;
}

/** One of the two computers: its disk, and whether it has power. */
export class Machine {
  // Immutable.
  readonly side: Side;
  readonly hasHardLinks: boolean;
  readonly #scheduler: SimScheduler;
  readonly #random: SimRandom;

  // Mutable.
  #disk: SimDisk;
  #place: ProcessPlace | undefined;
  isUp = true;
  /** Everything that the disk does takes so many times as long. */
  slowness = 1;
  /** Bytes that fit on the disk. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  /** Called before each call of our process. */
  onCall: ((call: SimCall) => void) | undefined;
  /** Says how the next call fails, if it does. */
  failNext: ((call: SimCall) => SimFault | undefined) | undefined;
  /** Where our process was at work last. */
  lastLocation = '';
  #changes = 0;

  constructor({ side, scheduler, random, hasHardLinks, hasSyncAll }: MachineInit) {
    this.side = side;
    this.hasHardLinks = hasHardLinks;
    this.#scheduler = scheduler;
    this.#random = random;
    const capacity = (): number => this.capacityBytes;
    this.#disk = new SimDisk({
      hasHardLinks,
      hasSyncAll,
      get capacityBytes() {
        return capacity();
      },
      // No two changes of a disk have the same time.
      now: () => {
        this.#changes += 1;
        return FIRST_TIME_MS + scheduler.now + this.#changes / 1000;
      },
    });
  }

  get disk(): SimDisk {
    return this.#disk;
  }

  /** Whether our process runs. */
  get isRunning(): boolean {
    return this.#place?.isAlive === true;
  }

  /** All that is on the disk now is there to stay. */
  settle(): void {
    this.#disk = this.#disk.settled();
  }

  /** A new process of ours. */
  startProcess(): ProcessPlace {
    const clock = new SimClock(this.#scheduler, this.side);
    const mount = this.#disk.mount({
      schedule: (work, call) => {
        const busyMs = (ASYNC_CALL_MS + (call.length ?? 0) / BYTES_PER_MS) * this.slowness;
        this.#scheduler.after(busyMs * (0.5 + this.#random.fraction()), '', work);
      },
      before: (call) => this.#before(call, mount),
    });
    this.#place = {
      clock,
      mount,
      get isAlive() {
        return !mount.isDead;
      },
    };
    return this.#place;
  }

  /** Our process is gone from one moment to the next; what it has told the disk stays. */
  kill(): void {
    this.#place?.clock.stop();
    this.#place?.mount.kill();
    this.#place = undefined;
  }

  /** Also the power goes: of what was not synced, the disk has what the seed chooses. */
  losePower(): void {
    this.kill();
    this.isUp = false;
    this.#disk = crashImage(this.#disk, this.#random).settled();
  }

  #before(call: SimCall, mount: SimMount): SimFault | undefined {
    if (mount.isDead) return undefined;
    this.#scheduler.note(`${this.side} ${call.name} ${shortLocation(call.location)} ${call.length ?? ''}`);
    this.lastLocation = call.location;
    this.onCall?.(call);
    // It may have been the end of this process.
    if (mount.isDead) return undefined;
    return this.failNext?.(call);
  }
}

/** What a disk may be found as after a power loss: of what was not synced anything may be there or missing. */
export function crashImage(disk: SimDisk, random: SimRandom): SimDisk {
  const { operations } = disk;
  const likelihood = random.pick([0, 0, 0.2, 0.5, 0.8, 1]);
  const kept = operations.map(() => random.chance(likelihood));
  const writes = unsyncedBefore(operations, operations.length).filter(
    (index) => operations[index]?.kind === 'write',
  );
  const torn = writes.length > 0 && random.chance(0.5) ? random.pick(writes) : -1;
  const tears = tearsOf(operations[torn], random.pick([512, 4096, 65_536]));
  return disk.imageAfter(operations.length, {
    keeps: (index) => kept[index] === true,
    ...(tears.length > 0 ? { torn: { operation: torn, tear: random.pick(tears) } } : {}),
  });
}

/** The last two names. */
function shortLocation(location: string): string {
  return location.split('/').slice(-2).join('/');
}
