import { accessSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { STAGING_FOLDER } from '../../protocol/wirePath.ts';
import type { Destination, PageStore } from '../../transfer/ports.ts';
import { isErrno, writeFailure } from './errno.ts';
import { FolderDestination } from './folderDestination.ts';
import { USE_FOLDER } from './openFlags.ts';
import { PageFiles } from './pageFiles.ts';
import type { ConflictPolicy } from './publish.ts';
import { makeStaging, removeStaging } from './staging.ts';

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
  ): { readonly destination: Destination; readonly pages: PageStore } {
    const root = join(this.location, STAGING_FOLDER);
    const staging = join(root, transfer);
    try {
      makeStaging({ root, staging });
    } catch (error) {
      throw openFailure(error);
    }
    try {
      const pages = new PageFiles(join(staging, 'pages'));
      const init = { folder: this.location, root, staging, transfer, onConflict };
      return { destination: new FolderDestination(init), pages };
    } catch (error) {
      removeStaging({ root, staging });
      throw openFailure(error);
    }
  }
}

function openFailure(error: unknown): CourierError {
  const failure = writeFailure(error);
  if (failure.code === 'disk-full' || CourierError.is(error)) return failure;
  return new CourierError('destination-unwritable', failure.message, { cause: error });
}
