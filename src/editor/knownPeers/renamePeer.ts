import { l10n, window } from 'vscode';
import type { Courier } from '../courier.ts';
import { plainText } from '../text.ts';
import { knownPeerFor } from './pickKnownPeer.ts';

const MOST_CHARACTERS = 64;

/** Gives a peer another name, which only this device's user sees. */
export async function renamePeer(courier: Courier, node: unknown): Promise<void> {
  const peer = await knownPeerFor(courier, node);
  if (peer === undefined) return;
  const { fingerprint } = peer;
  const taken = new Set(
    courier.state.current.peers.filter((each) => each.fingerprint !== fingerprint).map((each) => each.name),
  );
  const typed = await window.showInputBox({
    title: l10n.t('Rename {0}', plainText(peer.name)),
    prompt: l10n.t('A name for this peer, as you want to see it.'),
    value: plainText(peer.name),
    ignoreFocusOut: true,
    validateInput: (value) => problemWith(value.trim(), taken),
  });
  const name = typed?.trim();
  if (name === undefined || name === '' || name === peer.name) return;
  await courier.client.call('renamePeer', { peer: fingerprint, name });
}

function problemWith(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === '') return l10n.t('Give it a name.');
  if ([...name].length > MOST_CHARACTERS) return l10n.t('This name is too long.');
  return taken.has(name) ? l10n.t('Another peer has this name.') : undefined;
}
