import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import type { AcceptedRecord, JobRecord } from '../engine/jobFiles.ts';
import type { Target } from '../engine/sender.ts';
import { parseFingerprint, wrongIdentity } from '../peers/fingerprint.ts';
import type { ResumeCommand } from './arguments.ts';
import { commandLine } from './commandLine.ts';
import { explainError, NO_SUCH_TRANSFER_STATUS, tellFailure } from './failures.ts';
import { readInvite } from './inviteFile.ts';
import { leftTransfers, openState, withPrefix } from './leftTransfers.ts';
import { onlyOne, refuse } from './noSuchTransfer.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { resumeReceiving } from './receiveShared.ts';
import { runJob } from './runJob.ts';
import { resumeShared } from './shared.ts';

/** `peer-courier resume ID`: goes on with what was sent from here. Returns the exit status. */
export async function resume(command: ResumeCommand, output: Output): Promise<number> {
  try {
    const state = openState(command.state, logTo(output));
    const left = onlyOne(withPrefix(leftTransfers(state), command.id), command, output);
    if (left === undefined) return NO_SUCH_TRANSFER_STATUS;
    if (left.direction === 'incoming') {
      if (left.record.isFetched !== true) return refuse(waitForSender(left.record, command), output);
      const { to, effort, state: folder } = command;
      return await resumeReceiving(
        state,
        left.record,
        { to, retryForMs: effort.retryForMs, state: folder },
        output,
      );
    }
    const target = targetOf(left.record, command);
    if (left.record.share !== undefined) {
      return await resumeShared({ state, command, output }, left.record, target);
    }
    return await runJob({ state, record: left.record, target, command, output });
  } catch (error) {
    return tellFailure(explainError(error, 'sender', { isKept: true }), output);
  }
}

/** The peer of the transfer, whatever leads to it: what one has agreed to is not offered to another. */
function targetOf({ peer }: JobRecord, { to, inviteFile }: ResumeCommand): Target {
  const fingerprint = parseFingerprint(peer);
  if (fingerprint === undefined) throw new CourierError('internal', 'a transfer without a peer');
  if (inviteFile === undefined) {
    return { kind: 'peer', fingerprint, addresses: to === undefined ? [] : [to] };
  }
  const invite = readInvite(inviteFile);
  if (invite.fingerprint !== fingerprint) throw wrongIdentity(fingerprint, invite.fingerprint);
  return { kind: 'invite', invite };
}

function waitForSender({ peerName, folder }: AcceptedRecord, { state }: ResumeCommand): string {
  const receive = commandLine(['receive', '--folder', folder], state);
  return `${printable(peerName)} sends that one, and goes on by itself as soon as it reaches a receiver here: ${printable(receive)}`;
}
