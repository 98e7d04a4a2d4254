import { CourierError } from '../base/failure.ts';
import { createInvite } from '../engine/receiver.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { INVITE_LIFE_MS } from '../peers/invite.ts';
import type { Command } from './arguments.ts';
import { explainError, SUCCESS, tellFailure } from './failures.ts';
import { writeInvite } from './inviteFile.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import type { Output } from './output.ts';

/** `peer-courier invite`: one more invite for the receiver that runs with the same state. */
export async function invite(command: Extract<Command, { name: 'invite' }>, output: Output): Promise<number> {
  try {
    const state = new StateFolder(command.state ?? defaultStateFolder());
    const addresses = state.listeningAddresses();
    if (addresses.length === 0) throw new CourierError('not-listening', 'no receiver runs here');
    tellLostIdentity(state, output);
    const made = createInvite(state, await state.identity(), addresses);
    const secondsLeft = INVITE_LIFE_MS / 1000;
    if (command.inviteFile === undefined) {
      output.event('invite', { invite: made, secondsLeft });
      output.line(made);
    } else {
      writeInvite(command.inviteFile, made);
      output.event('invite', { file: command.inviteFile, secondsLeft });
      output.line(`Invite for one sender, good for ten minutes: ${command.inviteFile}`);
    }
    return SUCCESS;
  } catch (error) {
    return tellFailure(explainError(error, 'receiver'), output);
  }
}
