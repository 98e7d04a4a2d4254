import type { Entry } from '../../src/protocol/manifest.ts';
import type { SimDisk } from '../support/simDisk.ts';
import type { Side } from '../support/simNet.ts';
import {
  bytesOf,
  holds,
  Inspector,
  keptAside,
  lookInto,
  mayBeNamed,
  published,
  Violation,
} from './inspection.ts';
import type { Found } from './inspection.ts';
import { crashImage } from './machine.ts';
import type { ReceiverNotes } from './receiverProcess.ts';
import type { SenderProcess, SessionNotes } from './senderProcess.ts';
import type { SourceFile } from './sourceTree.ts';
import { rightInStaging } from './staged.ts';
import type { Staged } from './staged.ts';
import type { World, WorldObserver } from './world.ts';

/** What of a session matters for how much may travel in the next one. */
interface Session {
  readonly sender: SessionNotes;
  readonly receiver: ReceiverNotes | undefined;
  /** Bytes that lay verified on the receiver's disk when it began. */
  readonly floorBytes: number;
  /** … and what lay right in staging, whatever had happened. */
  readonly staged: ReadonlyMap<string, Staged>;
  /** What had its final name when it began. */
  readonly named: ReadonlySet<string>;
  /** Whether something happened meanwhile that makes bytes travel again. */
  isDisturbed: boolean;
}

/**
 * The promises D1–D7 of a history, while it happens and at its end. Whatever is broken is thrown as a
 * {@link Violation}.
 */
export class Checks implements WorldObserver {
  // Mutable.
  #world: World | undefined;
  #inspector: Inspector | undefined;
  #failure: Error | undefined;
  readonly #sessions: Session[] = [];
  readonly #receivers: ReceiverNotes[] = [];
  #floorBytes = 0;
  #watched: { readonly process: SenderProcess; bytesDone: number } | undefined;
  readonly #receipted = new Set<ReceiverNotes>();
  #inspected: { readonly disk: SimDisk; readonly operations: number } | undefined;

  /** Sessions that were opened. */
  get sessionCount(): number {
    return this.#sessions.length;
  }

  watch(world: World): void {
    this.#world = world;
    this.#inspector = new Inspector(world.book);
  }

  receiverSession(notes: ReceiverNotes): void {
    this.#receivers.push(notes);
  }

  senderSession(notes: SessionNotes): void {
    this.#requireFewBytesAgain();
    // What the session before may not trust it removes when it lets go, which may be after this one has begun.
    const hasFailedSync = this.#isExcused('disk-error', this.#sessions.at(-1)?.sender.startedAt ?? 0);
    this.#sessions.push({
      sender: notes,
      receiver: this.#receivers.at(-1),
      floorBytes: this.#floorBytes,
      staged: hasFailedSync ? new Map() : rightInStaging(this.#needs()),
      named: new Set(this.#look().map(({ path }) => path)),
      isDisturbed: false,
    });
  }

  disturbed(): void {
    this.#floorBytes = 0;
    for (const session of this.#sessions) session.isDisturbed = true;
  }

  crashed(side: Side): void {
    if (side !== 'receiver') return;
    try {
      this.inspect();
    } catch (error) {
      // Product code may be on the stack, and has its own idea of errors.
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  failed(message: string): void {
    this.#failure ??= new Violation(`liveness: ${message}`);
  }

  /** After each event. */
  look(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#requireProgress();
    this.#inspectWhatIsNamed();
    for (const session of this.#sessions.slice(-3)) {
      const { receiver } = session;
      if (receiver === undefined) continue;
      const { state, bytesDone } = receiver.transfer.snapshot();
      if (!session.isDisturbed) this.#floorBytes = Math.max(this.#floorBytes, bytesDone);
      if (state === 'done' && !this.#receipted.has(receiver)) {
        this.#receipted.add(receiver);
        this.#requireDurable();
      }
    }
  }

  /** D1, D2, D5, D6, on the receiver's disk as it is. */
  inspect(found = this.#look()): void {
    const { belongings, onConflict, isJournalTampered, machines } = this.#needs();
    const inspector = this.#inspects();
    const mayHavePlaceholders = !machines.receiver.hasHardLinks;
    inspector.requireWhole(found, { mayHavePlaceholders });
    inspector.requireKept(found, belongings, { mayReplace: onConflict === 'replace', mayHavePlaceholders });
    if (!isJournalTampered) inspector.requireOnce(found);
  }

  /** Looks at the disk when something on it has got a name. */
  #inspectWhatIsNamed(): void {
    const { disk } = this.#needs().machines.receiver;
    const { operations } = disk;
    const from = this.#inspected?.disk === disk ? this.#inspected.operations : 0;
    this.#inspected = { disk, operations: operations.length };
    if (operations.slice(from).some(({ kind }) => kind === 'link' || kind === 'rename')) this.inspect();
  }

  /** The sender has the receipt, and everything has come to rest. */
  finish(): void {
    const { staging, machines, receiverStore } = this.#needs();
    this.#requireFewBytesAgain();
    this.inspect();
    this.#requireArrived();
    const last = this.#receivers.at(-1);
    const isLeft = lookInto(machines.receiver.disk, staging).some(({ kind }) => kind === 'file');
    if (last?.report?.end.close.code === 'done' && isLeft && !this.#isExcused('disk-error', last.startedAt)) {
      throw new Violation('staging is left though everything is done');
    }
    if (receiverStore.askedAgain > 0) throw new Violation('the user was asked again');
  }

  #look(): readonly Found[] {
    const { machines, receiveFolder } = this.#needs();
    return lookInto(machines.receiver.disk, receiveFolder);
  }

  #needs(): World {
    if (this.#world === undefined) throw new Error('there is no world yet');
    return this.#world;
  }

  #inspects(): Inspector {
    if (this.#inspector === undefined) throw new Error('there is no world yet');
    return this.#inspector;
  }

  /** What a user sees of one job only grows. */
  #requireProgress(): void {
    const { sender } = this.#needs();
    if (sender === undefined) return;
    const { bytesDone } = sender.job.summary().progress;
    // What failed in the end does not count in the end.
    const receiver = this.#sessions.at(-1)?.receiver;
    if (receiver !== undefined && this.#receipted.has(receiver)) return;
    if (this.#watched?.process !== sender) this.#watched = { process: sender, bytesDone };
    if (bytesDone < this.#watched.bytesDone) {
      throw new Violation(`progress went back from ${this.#watched.bytesDone} to ${bytesDone}`);
    }
    this.#watched.bytesDone = bytesDone;
  }

  /** D3: what lay verified on the disk does not travel again. */
  #requireFewBytesAgain(): void {
    const session = this.#sessions.at(-1);
    if (session?.receiver === undefined || session.isDisturbed) return;
    const { dataBytes, offered, failed, skipped } = session.sender;
    const { bytesTotal } = session.receiver.transfer.snapshot();
    const stagedBytes = offered.reduce((sum, { entry: { path }, file }) => {
      const staged = session.staged.get(path);
      const isUsed = staged?.file === file && !failed.has(path) && !skipped.has(path);
      return sum + (isUsed ? (staged?.bytes ?? 0) : 0);
    }, 0);
    const thereBytes = Math.max(session.floorBytes, stagedBytes);
    if (bytesTotal > 0 && dataBytes > bytesTotal - Math.min(bytesTotal, thereBytes)) {
      throw new Violation(`D3: ${dataBytes} bytes travelled, of ${bytesTotal} ${thereBytes} were there`);
    }
  }

  /** D4: the receipt is on its way, so a power loss now may take nothing of what stands there. */
  #requireDurable(): void {
    const { machines, receiveFolder, random, scheduler } = this.#needs();
    const { disk } = machines.receiver;
    const promised = this.#look();
    const least = disk.imageAfter(disk.operations.length, { keeps: () => false });
    for (const image of [least, crashImage(disk, random)]) {
      const left = new Map(lookInto(image, receiveFolder).map((found) => [found.path, found]));
      for (const each of [...this.#covered(published(promised)), ...keptAside(promised)]) {
        const found = left.get(each.path);
        const lost = found === undefined ? 'it' : differenceOf(found, each);
        if (lost !== undefined) {
          throw new Violation(`D4: a power loss after the receipt takes ${lost}: ${each.path}`);
        }
      }
    }
    scheduler.note('the receipt is sent');
    this.inspect(promised);
  }

  /** What the receipt is about: what is offered now, and what is not ours. */
  #covered(found: readonly Found[]): readonly Found[] {
    const { belongings } = this.#needs();
    const session = this.#sessions.at(-1);
    const isReceived = ({ entry: { path } }: SessionNotes['offered'][number]): boolean =>
      session?.receiver?.failed.has(path) !== true;
    const received = session?.sender.offered.filter(isReceived) ?? [];
    return found.filter(
      ({ path, content }) =>
        belongings.some((each) => each.path === path && holds(content, each.bytes)) ||
        received.some(({ entry }) => mayBeNamed(path, entry.path)),
    );
  }

  /** Everything that was offered last has arrived as it was listed, or has failed with a reason. */
  #requireArrived(): void {
    const session = this.#sessions.at(-1)?.sender;
    if (session?.isReceived !== true) throw new Violation('done without a receipt');
    const found = published(this.#look());
    const edited = [...this.#needs().edited];
    for (const { entry, file } of session.offered) {
      const reason = session.failed.get(entry.path);
      if (reason !== undefined) {
        // What stands there and could not be read for a moment fails as somebody else's.
        const isRight = found.some(
          (each) => mayBeNamed(each.path, entry.path) && this.#isArrived(each, entry, file),
        );
        const wasUnread =
          reason === 'name-taken' && isRight && this.#isExcused('disk-error', session.startedAt);
        if (!wasUnread) this.#requireExcuse(reason, entry.path, session);
      } else if (edited.some((path) => mayBeNamed(path, entry.path))) continue;
      else if (session.skipped.has(entry.path)) this.#requireSkipped(entry.path, found);
      else {
        const isThere = found.some(
          (each) => mayBeNamed(each.path, entry.path) && this.#isArrived(each, entry, file),
        );
        if (!isThere) throw new Violation(`D7: ${entry.path} has not arrived, and nobody said so`);
      }
    }
    this.#requireOffered(found, session.offered);
    for (const [path, reason] of session.leftOut) {
      this.#requireExcuse(reason, path, session);
    }
  }

  /** Nothing of what lay in staging was published that is not offered any more. */
  #requireOffered(found: readonly Found[], offered: SessionNotes['offered']): void {
    const named = this.#sessions.at(-1)?.named;
    for (const { path, content } of found) {
      if (content === undefined || named?.has(path) === true) continue;
      const isOurs = this.#inspects()
        .originsOf(content)
        .every(({ kind }) => kind === 'source');
      if (isOurs && !offered.some(({ entry }) => mayBeNamed(path, entry.path))) {
        throw new Violation(`${path} was published, and is not offered any more`);
      }
    }
  }

  /** Whether what was found is what was offered. */
  #isArrived(
    { path, kind, content, isExecutable, mtimeMs }: Found,
    entry: Entry,
    file: SourceFile | undefined,
  ): boolean {
    if (kind !== entry.kind) return false;
    if (entry.kind === 'folder') return true;
    const isOlder = this.#needs().belongings.some((each) => each.path === path);
    const hasTime = Math.floor(mtimeMs) === entry.mtimeMs;
    // What has the size and the time of what is offered is taken for it, as rsync does.
    if (isOlder && hasTime && content?.size === entry.size) return true;
    if (file === undefined || !holds(content, file.bytes)) return false;
    return isOlder || (hasTime && isExecutable === entry.isExecutable);
  }

  #requireSkipped(path: string, found: readonly Found[]): void {
    const isThere = found.some((each) => each.path === path || path.startsWith(`${each.path}/`));
    if (this.#needs().onConflict !== 'skip' || !isThere) throw new Violation(`D7: ${path} was skipped`);
  }

  /** Whether something happened since then that explains this. */
  #isExcused(reason: string, since: number, about?: string): boolean {
    return this.#needs().excuses.some(
      ({ reason: excused, untilMs, path }) =>
        excused === reason && untilMs >= since && (path === undefined || path === about),
    );
  }

  #requireExcuse(reason: string, path: string, { startedAt }: SessionNotes): void {
    const { tree, belongings } = this.#needs();
    const isExcused =
      this.#isExcused(reason, startedAt, path) ||
      (reason.startsWith('source-') &&
        [...tree.changedAt].some(([changed, at]) => at >= startedAt && isRelated(changed, path))) ||
      (reason === 'name-taken' &&
        belongings.some((each) => isRelated(unnumbered(each.path), unnumbered(path))));
    if (!isExcused) throw new Violation(`D7: ${path} failed without a reason that we know of: ${reason}`);
  }
}

/** What of a file is not as it was; `undefined` if all is. */
function differenceOf(found: Found, expected: Found): string | undefined {
  if (found.kind !== expected.kind) return 'its kind';
  if (expected.content === undefined) return undefined;
  if (!holds(found.content, bytesOf(expected.content))) return 'its content';
  if (found.mtimeMs !== expected.mtimeMs) return 'its time';
  return found.isExecutable === expected.isExecutable ? undefined : 'its mode';
}

function isRelated(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

function unnumbered(path: string): string {
  return path.replaceAll(/ \(\d+\)/gu, '');
}
