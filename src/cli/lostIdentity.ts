import type { StateFolder } from '../engine/stateFolder.ts';
import type { Output } from './output.ts';

/** Says that this device is about to become a new one, because its key is gone, before it does. */
export function tellLostIdentity(state: StateFolder, output: Output): void {
  if (!state.hasLostIdentity) return;
  const file = state.identityFile;
  output.event('identity-lost', { file });
  output.problem(
    `The key of this device is gone (${file}): it becomes a new device, and its peers do not know it any more. ` +
      'Stop and put the file back, or pair again by invites.',
  );
}
