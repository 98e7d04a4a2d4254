import { env, l10n, window } from 'vscode';
import type { Courier } from '../courier.ts';
import { inviteLink } from '../model/inviteLink.ts';
import { noticeText } from '../text.ts';
import { clockTime } from '../words/numbers.ts';
import { selectionOf } from './selection.ts';
import { shareFlow } from './sendFlow.ts';

/** *Share…*: makes an invite that somebody else fetches the selected files with, and puts it on the clipboard. */
export async function shareCommand(courier: Courier, clicked: unknown, selected: unknown): Promise<void> {
  const uris = await selectionOf(clicked, selected);
  if (uris === undefined || uris.length === 0) return;
  const shared = await shareFlow(courier, uris);
  if (shared === undefined) return;
  const { id, label, text, expiresAtMs } = shared;
  await env.clipboard.writeText(text);
  const again = l10n.t('Copy Again');
  const link = l10n.t('Copy as Link');
  const cancel = l10n.t('Cancel Sharing');
  const answer = await window.showInformationMessage(
    l10n.t(
      'An invite to “{0}” is on the clipboard. Send it to one person in private: it works once, until {1}. They run “Peer Courier: Use Invite…” and paste it.',
      noticeText(label),
      clockTime(expiresAtMs),
    ),
    again,
    link,
    cancel,
  );
  if (answer === again) await env.clipboard.writeText(text);
  else if (answer === link) await env.clipboard.writeText(inviteLink(env.uriScheme, text));
  else if (answer === cancel) await courier.client.call('cancelTransfer', { id });
}
