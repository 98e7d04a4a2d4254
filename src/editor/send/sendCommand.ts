import type { Courier } from '../courier.ts';
import { PeerNode } from '../views/nodes.ts';
import { selectionOf } from './selection.ts';
import { sendFlow } from './sendFlow.ts';

/**
 * *Send to Peer…* from the explorer (what was clicked, and all that is selected), from an editor's tab, from
 * a peer's row, or from the palette.
 */
export async function sendCommand(
  courier: Courier,
  clicked: unknown,
  selected: unknown,
  fingerprint: unknown,
): Promise<void> {
  const uris = await selectionOf(clicked, selected);
  if (uris === undefined || uris.length === 0) return;
  const wanted = clicked instanceof PeerNode ? clicked.peer.fingerprint : fingerprint;
  await courier.client.connect();
  const peer = courier.state.current.peers.find((known) => known.fingerprint === wanted);
  await sendFlow(courier, uris, peer);
}
