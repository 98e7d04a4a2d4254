import { l10n, ThemeIcon, window } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { shortFingerprint } from '../model/fingerprintText.ts';
import { BACK, pick } from '../pick.ts';
import { iconText } from '../text.ts';
import { PeerNode } from '../views/nodes.ts';
import { policyWords } from '../words/policyWords.ts';

/** The peer that a command is about: its row's, or one that the user picks. */
export async function knownPeerFor(courier: Courier, node: unknown): Promise<PeerSummary | undefined> {
  await courier.client.connect();
  const { peers } = courier.state.current;
  if (node instanceof PeerNode) {
    const peer = peers.find(({ fingerprint }) => fingerprint === node.peer.fingerprint);
    if (peer === undefined) throw localFailure('gone');
    return peer;
  }
  if (peers.length === 0) {
    await window.showInformationMessage(l10n.t('There are no known peers yet.'));
    return undefined;
  }
  const items = peers.map((peer) => ({
    label: iconText(peer.name),
    description: iconText(
      [shortFingerprint(peer.fingerprint), policyWords(peer.policy) ?? ''].filter(Boolean).join(' · '),
    ),
    iconPath: new ThemeIcon('device-desktop'),
    peer,
  }));
  const item = await pick(items, { title: l10n.t('Choose a peer') });
  return item === BACK ? undefined : item?.peer;
}
