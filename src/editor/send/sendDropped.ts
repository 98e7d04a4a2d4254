import type { Uri } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { showFailure } from '../words/showFailure.ts';
import { sendFlow } from './sendFlow.ts';

/** Sends what was dropped on a peer. */
export async function sendDropped(courier: Courier, uris: readonly Uri[], peer: PeerSummary): Promise<void> {
  try {
    await sendFlow(courier, uris, peer);
  } catch (error) {
    await showFailure(error, 'outgoing');
  }
}
