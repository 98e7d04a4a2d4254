import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { discardReceived } from '../engine/acceptedFolder.ts';
import type { DiscardCommand } from './arguments.ts';
import { shortId } from './commandLine.ts';
import { explainError, NO_SUCH_TRANSFER_STATUS, SUCCESS, tellFailure } from './failures.ts';
import { formatBytes } from './format.ts';
import { heldBytes, leftTransfers, openState, peerNameOf, withPrefix } from './leftTransfers.ts';
import type { LeftTransfer, TransferState } from './leftTransfers.ts';
import { onlyOne } from './noSuchTransfer.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';

/** `peer-courier discard ID`: gives up what was interrupted. Returns the exit status. */
export async function discard(command: DiscardCommand, output: Output): Promise<number> {
  try {
    const state = openState(command.state, logTo(output));
    const left = onlyOne(withPrefix(leftTransfers(state), command.id), command, output);
    if (left === undefined) return NO_SUCH_TRANSFER_STATUS;
    const lock = await state.locks.take(left.record.id);
    try {
      drop(state, left, output);
    } finally {
      lock.release();
    }
    return SUCCESS;
  } catch (error) {
    // A transfer that runs is busy in the same way on either side.
    return tellFailure(explainError(error, 'sender'), output);
  }
}

function drop(state: TransferState, left: LeftTransfer, output: Output): void {
  const { record } = left;
  const { id, label } = record;
  const freedBytes = heldBytes(left) ?? 0;
  const peer = printable(peerNameOf(state, left));
  if (left.direction === 'incoming') {
    removeHeld(left.record, output);
    state.accepted.remove(id);
  } else state.jobs.remove(id);
  output.event('discarded', { transfer: id, direction: left.direction, peer, label, freedBytes });
  const freed = left.direction === 'incoming' ? `; ${formatBytes(freedBytes)} freed` : '';
  output.line(`Discarded ${shortId(id)}, ${printable(label)}${freed}.`);
  if (left.direction === 'outgoing') {
    output.line(`${peer} keeps what it has received of it until it is discarded there, too.`);
  }
}

/** A folder that is not there holds nothing that could be removed now, and does not keep the transfer alive. */
function removeHeld(
  record: Extract<LeftTransfer, { direction: 'incoming' }>['record'],
  output: Output,
): void {
  try {
    discardReceived(record);
  } catch (error) {
    if (!CourierError.is(error, 'destination-unwritable')) throw error;
    const where = printable(record.folder);
    output.problem(
      `The receive folder is not there now. What it may hold: .peer-courier/${record.id} in ${where}`,
    );
  }
}
