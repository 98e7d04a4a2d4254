import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { AcceptedRecord } from './jobFiles.ts';

/** The folder of a transfer that was agreed to; throws `destination-unwritable` if it is gone, or another one. */
export function reopenFolder({ id, folder, folderIdentity }: AcceptedRecord): ReceiveFolder {
  return ReceiveFolder.reopen(folder, { id, identity: folderIdentity });
}

/** Removes what is held of a transfer; throws `destination-unwritable` if its folder is not there. */
export function discardReceived(record: AcceptedRecord): void {
  reopenFolder(record).discardTransfer(record.id);
}

/** Bytes on the disk that are held of a transfer; `undefined` if its folder is not there. */
export function heldBytesOf(record: AcceptedRecord): number | undefined {
  try {
    return reopenFolder(record).heldBytes(record.id);
  } catch {
    return undefined;
  }
}
