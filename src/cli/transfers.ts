import { printable } from '../base/printable.ts';
import { leftProgress } from '../engine/incoming.ts';
import type { TransfersCommand } from './arguments.ts';
import { commandLine, shortId } from './commandLine.ts';
import { explainError, interruptionFor, SUCCESS, tellFailure } from './failures.ts';
import { formatBytes, formatDuration, formatMoment, percentOf } from './format.ts';
import { heldBytes, leftTransfers, openState, peerNameOf } from './leftTransfers.ts';
import type { LeftTransfer, TransferState } from './leftTransfers.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';

const NOTHING_YET = { bytesDone: 0, bytesTotal: 0, entriesDone: 0, entriesTotal: 0 };

/** `peer-courier transfers`: what was interrupted here, and what runs. Returns the exit status. */
export async function transfers(command: TransfersCommand, output: Output): Promise<number> {
  try {
    const state = openState(command.state, logTo(output));
    const all = leftTransfers(state);
    for (const left of all) await tell(state, left, output);
    if (all.length === 0) output.line('Nothing was interrupted here.');
    else {
      output.line(`Go on with one that was sent from here: ${commandLine(['resume', 'ID'], command.state)}`);
      output.line(`Give one up, and remove what it holds:  ${commandLine(['discard', 'ID'], command.state)}`);
    }
    return SUCCESS;
  } catch (error) {
    return tellFailure(explainError(error, 'receiver'), output);
  }
}

async function tell(state: TransferState, left: LeftTransfer, output: Output): Promise<void> {
  const { direction, record, seen } = left;
  const held = heldBytes(left);
  const progress =
    left.direction === 'incoming'
      ? leftProgress(left.record, { seen, heldBytes: held })
      : (seen?.progress ?? NOTHING_YET);
  const percent = percentOf(progress);
  const isRunning = await state.locks.isTaken(record.id);
  const peer = printable(peerNameOf(state, left));
  const reason = isRunning ? undefined : reasonOf(left);
  output.event('transfer', {
    id: record.id,
    direction,
    peer,
    fingerprint: record.peer,
    label: record.label,
    percent,
    ...progress,
    startedAt: new Date(record.startedAtMs).toISOString(),
    ageMs: Date.now() - record.startedAtMs,
    isRunning,
    ...(reason === undefined ? {} : { code: seen?.failure?.code, reason }),
    ...(direction === 'incoming'
      ? { folder: record.folder, heldBytes: held ?? null }
      : { paths: record.paths }),
  });
  const way = direction === 'incoming' ? 'from' : 'to';
  output.line(`${shortId(record.id)}  ${printable(record.label)} ${way} ${peer}`);
  const size = `${percent} %, ${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}`;
  const age = formatDuration(Math.max(0, Date.now() - record.startedAtMs));
  output.line(`          ${size}; started ${formatMoment(record.startedAtMs)}, ${age} ago`);
  output.line(
    `          ${isRunning ? 'runs now, in another process' : `interrupted${reason === undefined ? '' : `: ${reason}`}`}`,
  );
  if (direction === 'outgoing') return;
  const where = printable(record.folder);
  output.line(
    held === undefined
      ? `          its folder is not there now: ${where}`
      : `          holds ${formatBytes(held)} in ${where}`,
  );
}

/** Why it does not go on, if anybody had the time to write that down. */
function reasonOf({ direction, seen }: LeftTransfer): string | undefined {
  if (seen?.failure === undefined) return undefined;
  const { code, detail, origin } = seen.failure;
  return interruptionFor(
    code,
    { role: direction === 'incoming' ? 'receiver' : 'sender', origin },
    printable(detail),
  );
}
