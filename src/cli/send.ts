import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { findRoots, labelOf } from '../engine/sender.ts';
import type { DialTarget } from '../engine/sender.ts';
import { findNamed } from '../peers/namedPeer.ts';
import type { SendCommand } from './arguments.ts';
import { explainError, tellFailure } from './failures.ts';
import { readInvite } from './inviteFile.ts';
import { openState } from './leftTransfers.ts';
import type { TransferState } from './leftTransfers.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { runJob } from './runJob.ts';
import { share } from './shared.ts';

/** `peer-courier send`. Returns the exit status. */
export async function send(command: SendCommand, output: Output): Promise<number> {
  try {
    const state = openState(command.state, logTo(output));
    const label = labelOf(findRoots(command.paths));
    const record = {
      id: toHex(randomBytes(16)),
      paths: command.paths.map((path) => resolve(path)),
      label,
      useGitignore: false,
      leaveOutSecrets: false,
      startedAtMs: Date.now(),
      isPaused: false,
      wasAccepted: false,
    };
    if (command.share !== undefined) {
      return await share({ state, command, output }, record, command.share);
    }
    const target = targetOf(command);
    return await runJob({
      state,
      record: { ...record, peer: peerOf(state, target) },
      target,
      command,
      output,
    });
  } catch (error) {
    return tellFailure(explainError(error, 'sender'), output);
  }
}

function targetOf({ inviteFile, to = '' }: SendCommand): DialTarget {
  if (inviteFile !== undefined) return { kind: 'invite', invite: readInvite(inviteFile) };
  return { kind: 'known', to };
}

/** The fingerprint of the peer that is meant; empty if only an address is known: then it shows who answers. */
function peerOf({ folder }: TransferState, target: DialTarget): string {
  switch (target.kind) {
    case 'invite':
      return target.invite.fingerprint;
    case 'peer':
      return target.fingerprint;
    case 'known':
      return findNamed(folder.peers.list(), target.to)[0]?.fingerprint ?? '';
  }
}
