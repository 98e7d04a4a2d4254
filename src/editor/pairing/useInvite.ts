import { commands, env, l10n, window } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { shortFingerprint } from '../model/fingerprintText.ts';
import { kindOfInvite } from '../model/inviteLink.ts';
import { withCancellableProgress } from '../progress.ts';
import { noticeText } from '../text.ts';

const INVITE = /^peer-courier:[\w-]{40,8192}$/u;

/** Asks for an invite and pairs with who made it; `undefined` if the user left. */
export async function useInvite(courier: Courier): Promise<PeerSummary | undefined> {
  const text = await askInvite();
  return text === undefined ? undefined : redeem(courier, text);
}

async function askInvite(): Promise<string | undefined> {
  const copied = (await env.clipboard.readText()).trim();
  const text = await window.showInputBox({
    title: l10n.t('Use an invite'),
    prompt: l10n.t('Paste the invite that your peer has sent you.'),
    placeHolder: 'peer-courier:…',
    ignoreFocusOut: true,
    value: INVITE.test(copied) ? copied : '',
    validateInput: (value) =>
      value.trim() === '' || INVITE.test(value.trim())
        ? undefined
        : l10n.t('This is not a whole invite. Copy it again, all of it.'),
  });
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/**
 * Connects to who made the invite and pairs with it. If that shares something, it makes its offer then, about which the
 * user is asked as about every offer.
 */
export function redeem({ client }: Courier, text: string): Promise<PeerSummary> {
  const request = kindOfInvite(text) === 'share' ? 'redeemShare' : 'useInvite';
  return withCancellableProgress(l10n.t('Connecting to the peer…'), ({ signal }) =>
    client.call(request, { text }, { signal }),
  );
}

/** The command: says with whom it paired; an offer that comes with it says so itself. */
export async function useInviteCommand(courier: Courier): Promise<void> {
  const text = await askInvite();
  if (text === undefined) return;
  const peer = await redeem(courier, text);
  if (kindOfInvite(text) === 'receive') await sayPaired(peer);
}

export async function sayPaired(peer: PeerSummary): Promise<void> {
  const send = l10n.t('Send to Peer…');
  const answer = await window.showInformationMessage(
    l10n.t('{0} ({1}) is a known peer now.', noticeText(peer.name), shortFingerprint(peer.fingerprint)),
    send,
  );
  if (answer === send) {
    await commands.executeCommand('peerCourier.send', undefined, undefined, peer.fingerprint);
  }
}
