import { join } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { STAGING_FOLDER } from '../../protocol/wirePath.ts';
import type { Destination } from '../../transfer/ports.ts';
import { systemClock } from '../clock.ts';
import { systemMarkTools } from './downloadMark.ts';
import type { MarkTools } from './downloadMark.ts';
import { isErrno, writeFailure } from './errno.ts';
import type { FolderIdentity, WholeFileSystem } from './fileSystem.ts';
import { FolderDestination } from './folderDestination.ts';
import type { ConflictPolicy } from './publish.ts';
import { bytesIn, isLeft, leaveStaging, makePath, makeStaging, removeStaging } from './staging.ts';
import type { Staging } from './staging.ts';
import { systemFiles } from './systemFiles.ts';

export interface OpenOptions {
  /** Goes on with what an interrupted session left, if it left anything; else that makes it `busy`. */
  readonly resume?: boolean;
  /** Whether a later session can go on with what this one leaves when it is interrupted. */
  readonly keepsInterrupted?: boolean;
  /** Milliseconds of a clock that never jumps; paces what is made durable while it is received. */
  readonly now?: () => number;
  /** What received files are marked with as come from elsewhere. */
  readonly markTools?: MarkTools;
}

/** The folder that transfers are received into. What is not complete lies in its staging folder. */
export class ReceiveFolder {
  /** Absolute, links resolved once: what the path means later does not matter. */
  readonly location: string;
  /** For {@link reopen}: whoever remembers a transfer that was accepted remembers this with it. */
  readonly identity: FolderIdentity;
  readonly #disk: WholeFileSystem;

  private constructor(path: string, disk: WholeFileSystem) {
    this.#disk = disk;
    this.location = disk.realpath(path);
    const stats = disk.lstat(this.location);
    if (stats?.isDirectory() !== true) {
      throw new CourierError('destination-unwritable', `${path} is not a folder`);
    }
    this.identity = { dev: stats.dev, ino: stats.ino };
    disk.requireWritable(this.location);
  }

  /**
   * For a transfer that begins: makes the folder if it is missing. Throws `destination-unwritable` if it cannot
   * be used.
   */
  static open(path: string, disk: WholeFileSystem = systemFiles): ReceiveFolder {
    try {
      makePath(disk, path);
      return new ReceiveFolder(path, disk);
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /**
   * For a transfer that was interrupted: never makes the folder. `identity` is what it was when the transfer
   * began, if that is known. Throws `destination-unwritable` if the folder is missing, and if another one stands
   * there in which the transfer has left nothing: then its disk is most likely not mounted, and what is received
   * would fill the one below. What the transfer has left proves the folder right, whatever `identity` says: the
   * numbers of a disk may change when it is mounted again.
   */
  static reopen(
    path: string,
    { id, identity }: { readonly id: string; readonly identity: FolderIdentity | undefined },
    disk: WholeFileSystem = systemFiles,
  ): ReceiveFolder {
    let folder: ReceiveFolder;
    try {
      folder = new ReceiveFolder(path, disk);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) throw missing(`${path} is not there`, error);
      throw unusable(path, error);
    }
    const { dev, ino } = folder.identity;
    const isOther = identity !== undefined && (identity.dev !== dev || identity.ino !== ino);
    if (isOther && !folder.#holds(id)) {
      throw missing(`${path} is another folder than before: its disk may not be mounted`);
    }
    return folder;
  }

  /** Opens the place of one transfer; `transfer` is 32 hexadecimal digits by its schema. */
  openTransfer(
    transfer: string,
    onConflict: ConflictPolicy,
    {
      resume = false,
      keepsInterrupted = false,
      now = systemNow,
      markTools = systemMarkTools,
    }: OpenOptions = {},
  ): Destination {
    const place = this.#placeOf(transfer, this.identity);
    let isResumed: boolean;
    try {
      isResumed = makeStaging(place, { resume });
    } catch (error) {
      place.disk.letGo();
      throw openFailure(error);
    }
    try {
      return new FolderDestination({
        ...place,
        folder: this.location,
        transfer,
        onConflict,
        isResumed,
        keepsInterrupted,
        now,
        markTools,
      });
    } catch (error) {
      try {
        if (isResumed) leaveStaging(place);
        else removeStaging(place);
      } finally {
        place.disk.letGo();
      }
      throw openFailure(error);
    }
  }

  /** Whether an interrupted session of this transfer has left something to go on with. */
  isInterrupted(transfer: string): boolean {
    return this.#look(transfer, isLeft);
  }

  /** Bytes that a transfer occupies before it is published; looks at each of its files. */
  heldBytes(transfer: string): number {
    return this.#look(transfer, ({ disk, staging }) => bytesIn(disk, staging));
  }

  /** Removes what an interrupted session of this transfer has left; one that is under way is not touched. */
  discardTransfer(transfer: string): void {
    this.#look(transfer, (place) => {
      if (isLeft(place)) removeStaging(place);
    });
  }

  /** Whether something lies in the place of a transfer. */
  #holds(transfer: string): boolean {
    return this.#look(transfer, ({ disk, staging }) => disk.lstat(staging)?.isDirectory() === true);
  }

  #look<Result>(transfer: string, work: (place: Staging) => Result): Result {
    const place = this.#placeOf(transfer);
    try {
      return work(place);
    } finally {
      place.disk.letGo();
    }
  }

  /** Whoever has it lets go of its disk. */
  #placeOf(transfer: string, identity?: FolderIdentity): Staging {
    requireId(transfer);
    const root = join(this.location, STAGING_FOLDER);
    try {
      const disk = this.#disk.below(this.location, identity);
      return { disk, inUse: placesInUse(this.#disk), root, staging: join(root, transfer) };
    } catch (error) {
      throw openFailure(error);
    }
  }
}

/** The places that sessions of this process work in, on each disk. */
const inUse = new WeakMap<WholeFileSystem, Set<string>>();

function placesInUse(disk: WholeFileSystem): Set<string> {
  const places = inUse.get(disk) ?? new Set();
  inUse.set(disk, places);
  return places;
}

/** By its schema it is nothing else; but what is removed or built on hangs on it. */
function requireId(transfer: string): void {
  if (!/^[0-9a-f]{32}$/u.test(transfer)) throw new CourierError('internal', 'not the id of a transfer');
}

const systemNow = (): number => systemClock.now();

function missing(message: string, cause?: unknown): CourierError {
  return new CourierError('destination-unwritable', message, { cause });
}

function unusable(path: string, error: unknown): CourierError {
  if (CourierError.is(error)) return error;
  const isOccupied = isErrno(error, 'EEXIST', 'ENOTDIR');
  return new CourierError('destination-unwritable', isOccupied ? `${path} is not a folder` : path, {
    cause: error,
  });
}

function openFailure(error: unknown): CourierError {
  const failure = writeFailure(error);
  if (failure.code === 'disk-full' || CourierError.is(error)) return failure;
  return new CourierError('destination-unwritable', failure.message, { cause: error });
}
