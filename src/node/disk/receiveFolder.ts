import { accessSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { STAGING_FOLDER } from '../../protocol/wirePath.ts';
import type { Destination } from '../../transfer/ports.ts';
import { isErrno, writeFailure } from './errno.ts';
import { FolderDestination } from './folderDestination.ts';
import { USE_FOLDER } from './openFlags.ts';
import type { ConflictPolicy } from './publish.ts';
import { isLeft, leaveStaging, makeStaging, removeStaging } from './staging.ts';
import type { Staging } from './staging.ts';

export interface OpenOptions {
  /** Goes on with what an interrupted session left, if it left anything; else that makes it `busy`. */
  readonly resume?: boolean;
  /** Whether a later session can go on with what this one leaves when it is interrupted. */
  readonly keepsInterrupted?: boolean;
}

/** The folder that transfers are received into. What is not complete lies in its staging folder. */
export class ReceiveFolder {
  /** Absolute, links resolved once: what the path means later does not matter. */
  readonly location: string;

  private constructor(location: string) {
    this.location = location;
  }

  /** Makes the folder if it is missing; rejects with `destination-unwritable` if it cannot be used. */
  static open(path: string): ReceiveFolder {
    try {
      mkdirSync(path, { recursive: true });
      const location = realpathSync(path);
      if (!statSync(location).isDirectory()) {
        throw new CourierError('destination-unwritable', `${path} is not a folder`);
      }
      accessSync(location, USE_FOLDER);
      return new ReceiveFolder(location);
    } catch (error) {
      if (CourierError.is(error)) throw error;
      const isOccupied = isErrno(error, 'EEXIST', 'ENOTDIR');
      throw new CourierError('destination-unwritable', isOccupied ? `${path} is not a folder` : path, {
        cause: error,
      });
    }
  }

  /** Opens the place of one transfer; `transfer` is 32 hexadecimal digits by its schema. */
  openTransfer(
    transfer: string,
    onConflict: ConflictPolicy,
    { resume = false, keepsInterrupted = false }: OpenOptions = {},
  ): Destination {
    const place = this.#placeOf(transfer);
    let isResumed: boolean;
    try {
      isResumed = makeStaging(place, { resume });
    } catch (error) {
      throw openFailure(error);
    }
    try {
      const { location: folder } = this;
      return new FolderDestination({ folder, ...place, transfer, onConflict, isResumed, keepsInterrupted });
    } catch (error) {
      if (isResumed) leaveStaging(place);
      else removeStaging(place);
      throw openFailure(error);
    }
  }

  /** Whether an interrupted session of this transfer has left something to go on with. */
  isInterrupted(transfer: string): boolean {
    return isLeft(this.#placeOf(transfer).staging);
  }

  /** Removes what an interrupted session of this transfer has left; one that is under way is not touched. */
  discardTransfer(transfer: string): void {
    const place = this.#placeOf(transfer);
    if (isLeft(place.staging)) removeStaging(place);
  }

  #placeOf(transfer: string): Staging {
    // By its schema it is nothing else; but what is removed or built on hangs on it.
    if (!/^[0-9a-f]{32}$/u.test(transfer)) throw new CourierError('internal', 'not the id of a transfer');
    const root = join(this.location, STAGING_FOLDER);
    return { root, staging: join(root, transfer) };
  }
}

function openFailure(error: unknown): CourierError {
  const failure = writeFailure(error);
  if (failure.code === 'disk-full' || CourierError.is(error)) return failure;
  return new CourierError('destination-unwritable', failure.message, { cause: error });
}
