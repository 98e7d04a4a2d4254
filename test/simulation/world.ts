import { dirname } from 'node:path/posix';
import type { EntryFailure } from '../../src/base/failure.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import { SimNet } from '../support/simNet.ts';
import type { Side } from '../support/simNet.ts';
import type { PathConditions } from '../support/simPipe.ts';
import type { SimRandom } from '../support/simRandom.ts';
import type { SimScheduler } from '../support/simScheduler.ts';
import { Book, contentOf } from './book.ts';
import { lookInto, Violation } from './inspection.ts';
import type { Belonging } from './inspection.ts';
import { Machine } from './machine.ts';
import { ReceiverProcess } from './receiverProcess.ts';
import type { ReceiverNotes, ReceiverStore } from './receiverProcess.ts';
import { SenderProcess } from './senderProcess.ts';
import type { SenderStore, SessionNotes } from './senderProcess.ts';
import { SourceTree } from './sourceTree.ts';

export const RECEIVE_FOLDER = '/home/receiver/Received';
/** Where the receive folder is while it is "not mounted". */
export const AWAY_FOLDER = '/home/receiver/elsewhere';
const SOURCE_FOLDER = '/home/sender';
const USER_MS = 3000;

/** Why entries may fail from some moment on, though nothing is wrong with us. */
export interface Excuse {
  readonly reason: EntryFailure;
  /** On the virtual clock; a session that started later has no use for it. */
  untilMs: number;
  /** Absent: any path. */
  readonly path?: string;
}

/** Hears of what the world does; the checks. */
export interface WorldObserver {
  senderSession(notes: SessionNotes): void;
  receiverSession(notes: ReceiverNotes): void;
  /** What was received so far may have to be sent again. */
  disturbed(): void;
  /** The disk was cut off: what is on it can be looked at. */
  crashed(side: Side): void;
  /** The job has ended, and nobody will go on with it. */
  failed(message: string): void;
}

/** Two machines with a path between them; on one somebody sends, on the other somebody receives. */
export class World {
  // Immutable.
  readonly scheduler: SimScheduler;
  readonly random: SimRandom;
  readonly book = new Book();
  readonly machines: Readonly<Record<Side, Machine>>;
  readonly net: SimNet;
  readonly tree: SourceTree;
  readonly path: PathConditions;
  readonly mostLanes: number;
  readonly transfer: string;
  readonly onConflict: ConflictPolicy;
  readonly observer: WorldObserver;
  /** What lies in the receive folder and is not ours. */
  readonly belongings: Belonging[] = [];
  readonly excuses: Excuse[] = [];
  /** Files that had arrived, and that somebody has replaced since. */
  readonly edited = new Set<string>();
  readonly #senderStore: SenderStore;
  readonly receiverStore: ReceiverStore = { accepted: undefined, isReasked: false, askedAgain: 0 };

  // Mutable.
  sender: SenderProcess | undefined;
  receiver: ReceiverProcess | undefined;
  isDone = false;
  isFolderAway = false;
  /** Somebody has changed the record of which names were taken: they may be taken again. */
  isJournalTampered = false;
  #sessions = 0;

  constructor(scheduler: SimScheduler, random: SimRandom, observer: WorldObserver) {
    this.scheduler = scheduler;
    this.random = random;
    this.observer = observer;
    const machine = (side: Side): Machine =>
      new Machine({
        side,
        scheduler,
        random: random.fork(`disk of the ${side}`),
        hasHardLinks: random.chance(0.8),
        hasSyncAll: random.chance(0.5),
      });
    this.machines = { sender: machine('sender'), receiver: machine('receiver') };
    this.onConflict = random.pick(['keep-both', 'keep-both', 'replace', 'replace', 'skip']);
    this.transfer = Array.from({ length: 32 }, () => random.below(16).toString(16)).join('');
    this.tree = new SourceTree(random.fork('tree'), this.book, SOURCE_FOLDER);
    const { tree } = this;
    this.#prepareSource();
    this.#prepareReceiveFolder();
    this.path = this.#path();
    this.net = new SimNet(scheduler, random.fork('net'), this.path, () => this.#answering());
    this.mostLanes = random.fork('lanes').pick([1, 1, 2, 5, 16]);
    this.#senderStore = {
      record: {
        id: this.transfer,
        paths: tree.roots.map((root) => `${SOURCE_FOLDER}/${root}`),
        peer: '1'.repeat(64),
        label: 'simulated',
        useGitignore: false,
        leaveOutSecrets: false,
        startedAtMs: 0,
        isPaused: false,
        wasAccepted: false,
      },
      seen: undefined,
      isForgotten: false,
    };
  }

  #newSession(): string {
    this.#sessions += 1;
    return this.#sessions.toString(16).padStart(32, '0');
  }

  start(): void {
    this.bootReceiver();
    this.bootSender();
  }

  /** Whether both sides know that the offer was accepted. */
  get isAgreed(): boolean {
    return this.receiverStore.accepted !== undefined && this.#senderStore.record.wasAccepted;
  }

  /** Where the receive folder is now. */
  get receiveFolder(): string {
    return this.isFolderAway ? AWAY_FOLDER : RECEIVE_FOLDER;
  }

  get staging(): string {
    return `${this.receiveFolder}/${STAGING_FOLDER}/${this.transfer}`;
  }

  bootSender(): void {
    const { sender: machine } = this.machines;
    machine.isUp = true;
    this.net.boot('sender');
    if (this.#senderStore.isForgotten && this.#senderStore.record.wasAccepted) {
      // Nothing is left to take up.
      this.isDone = true;
      return;
    }
    this.#senderStore.isForgotten = false;
    const place = machine.startProcess();
    this.sender = new SenderProcess({
      place,
      store: this.#senderStore,
      tree: this.tree,
      dial: (purpose, options) => this.net.dial(place.clock, purpose, options),
      newSession: () => this.#newSession(),
      mostLanes: this.mostLanes,
      roundTripMs: 2 * this.path.latencyMs,
      onSession: (notes) => this.observer.senderSession(notes),
      note: (text) => this.scheduler.note(text),
    });
    void this.#run(this.sender);
  }

  bootReceiver(): void {
    const { receiver: machine } = this.machines;
    machine.isUp = true;
    this.net.boot('receiver');
    this.receiver = new ReceiverProcess({
      place: machine.startProcess(),
      store: this.receiverStore,
      transfer: this.transfer,
      folder: RECEIVE_FOLDER,
      onConflict: this.onConflict,
      knowsYes: () => this.#senderStore.record.wasAccepted,
      thinkMs: () => this.random.below(USER_MS),
      onSession: (notes) => this.observer.receiverSession(notes),
      note: (text) => this.scheduler.note(text),
    });
  }

  /** Ends the process on this side, with SIGKILL. */
  kill(side: Side): void {
    this.scheduler.note(`the ${side} is killed`);
    this.machines[side].kill();
    this.net.leave(side);
    this.#forgetProcess(side);
  }

  losePower(side: Side): void {
    this.scheduler.note(`the ${side} loses its power`);
    this.machines[side].losePower();
    this.net.vanish(side);
    this.#forgetProcess(side);
  }

  boot(side: Side): void {
    if (side === 'sender') this.bootSender();
    else this.bootReceiver();
  }

  /** Something of somebody else's comes into the receive folder, durably. Nothing happens if the name is taken. */
  plant(path: string, bytes: Uint8Array): boolean {
    const { disk } = this.machines.receiver;
    const mount = disk.mount();
    const location = `${this.receiveFolder}/${path}`;
    const there = lookInto(disk, this.receiveFolder);
    const parent = there.find((each) => each.path === dirname(path));
    const hasPlace = !path.includes('/') || parent?.kind === 'folder';
    if (!hasPlace || there.some((each) => each.path === path)) return false;
    disk.plant(location, bytes);
    const covers = disk.operations.length;
    for (let each = location; each !== '/'; each = dirname(each)) {
      const ino = mount.lstat(each)?.ino ?? 0;
      disk.sync({ of: ino, covers, isDataOnly: false, hasFailed: false });
    }
    this.belongings.push({ path, bytes });
    return true;
  }

  /** Throws if files were put where the receive folder is not. */
  requireUntouched(location: string): void {
    const file = lookInto(this.machines.receiver.disk, location).find(({ kind }) => kind === 'file');
    if (file !== undefined) throw new Violation(`something was received below the mount point: ${file.path}`);
  }

  excuse(reason: EntryFailure, path?: string): Excuse {
    const excuse: Excuse = {
      reason,
      untilMs: Number.POSITIVE_INFINITY,
      ...(path === undefined ? {} : { path }),
    };
    this.excuses.push(excuse);
    return excuse;
  }

  async #run(process: SenderProcess): Promise<void> {
    const { job } = process;
    for (;;) {
      await job.run();
      if (this.sender !== process) return;
      const { phase, failure } = job.summary();
      this.scheduler.note(`the job ended: ${phase} ${failure?.code ?? ''}`);
      if (phase === 'done') {
        this.isDone = true;
        return;
      }
      const isUnreadable = this.excuses.some(({ reason }) => reason === 'source-unreadable');
      if (job.record.wasAccepted && !(failure?.code === 'nothing-to-send' && isUnreadable)) {
        this.observer.failed(`the job ended with ${phase} ${failure?.code ?? ''} ${failure?.detail ?? ''}`);
        return;
      }
      // Nobody has accepted it, or it could not be read: its user was told, and tries again.
      await new Promise<void>((resolve) => {
        this.scheduler.after(this.random.between(500, USER_MS), 'the user tries again', resolve);
      });
      if (this.sender !== process) return;
      this.#senderStore.isForgotten = false;
    }
  }

  #forgetProcess(side: Side): void {
    if (side === 'sender') this.sender = undefined;
    else this.receiver = undefined;
    this.observer.crashed(side);
  }

  #answering(): ReturnType<ConstructorParameters<typeof SimNet>[3]> {
    const { receiver: machine } = this.machines;
    const { receiver } = this;
    if (!machine.isUp) return 'machine is down';
    if (receiver === undefined) return 'nobody listens';
    return { clock: receiver.clock, accept: (channel, purpose) => receiver.accept(channel, purpose) };
  }

  #prepareSource(): void {
    const { sender } = this.machines;
    sender.disk.plant(SOURCE_FOLDER, 'folder');
    const isHuge = this.random.chance(0.01);
    const mostBytes = isHuge ? 24_000_000 : Math.floor(this.random.spread(200_000, 3_000_000));
    this.tree.build(sender.disk.mount(), mostBytes);
    sender.settle();
  }

  /** Nothing, an older copy of what is sent, or something else under the same names. */
  #prepareReceiveFolder(): void {
    const { receiver } = this.machines;
    const { disk } = receiver;
    disk.plant(RECEIVE_FOLDER, 'folder');
    const before = this.random.weighted({ nothing: 5, older: 4, other: 1 });
    for (const path of this.tree.paths) {
      const source = this.tree.find(path);
      if (before === 'nothing' || source === undefined || this.random.chance(0.3)) continue;
      const isSame = before === 'older' && this.random.chance(0.5);
      const bytes = isSame ? source.bytes : this.#olderThan(path, source.bytes, before);
      disk.plant(`${RECEIVE_FOLDER}/${path}`, bytes);
      const mtimeMs = Math.floor(
        this.machines.sender.disk.mount().lstat(`${SOURCE_FOLDER}/${path}`)?.mtimeMs ?? 0,
      );
      disk
        .mount()
        .setTime(
          `${RECEIVE_FOLDER}/${path}`,
          isSame && this.random.chance(0.5) ? mtimeMs : mtimeMs - 86_400_000,
        );
      this.book.add({ kind: 'older', path, version: 0 }, bytes);
      this.belongings.push({ path, bytes });
    }
    receiver.settle();
  }

  #olderThan(path: string, bytes: Uint8Array, before: 'older' | 'other'): Uint8Array {
    if (before === 'other') return contentOf(`other ${path}`, this.random.below(5000));
    // As a log grows, or a build changes some of its output.
    const older = bytes.slice(
      0,
      this.random.chance(0.5) ? bytes.length : this.random.below(bytes.length + 1),
    );
    const from = this.random.below(older.length + 1);
    older.set(contentOf(`older ${path}`, Math.min(3000, older.length - from)), from);
    return older;
  }

  #path(): PathConditions {
    const random = this.random.fork('path');
    const latencyMs = random.spread(0.2, 150);
    const segments = random.fork('segments');
    const largest = Math.floor(random.spread(12_000, 200_000));
    return {
      latencyMs,
      jitterMs: latencyMs * random.fraction(),
      // So that what is sent takes between half a second and a quarter of a minute.
      bytesPerMs: Math.max(20, this.tree.bytes / random.spread(500, 15_000)),
      sendBufferBytes: random.between(32_000, 300_000),
      windowBytes: random.between(32_000, 500_000),
      segmentBytes: () =>
        segments.chance(0.05) ? segments.between(1, 100) : segments.between(Math.floor(largest / 2), largest),
    };
  }
}
