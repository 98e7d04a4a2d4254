import { env, l10n, window } from 'vscode';
import type { Courier } from '../courier.ts';
import { inviteLink } from '../model/inviteLink.ts';
import { clockTime } from '../words/numbers.ts';

/** Makes an invite, starting the receiver if it is off, and puts it on the clipboard. */
export async function createInvite({ client }: Courier): Promise<void> {
  await client.call('startReceiver', undefined);
  const { text, expiresAtMs } = await client.call('createInvite', undefined);
  await env.clipboard.writeText(text);
  const again = l10n.t('Copy Again');
  const link = l10n.t('Copy as Link');
  const answer = await window.showInformationMessage(
    l10n.t(
      'An invite is on the clipboard. Send it to your peer in private: it works once, until {0}. The peer runs “Peer Courier: Use Invite…” and pastes it.',
      clockTime(expiresAtMs),
    ),
    again,
    link,
  );
  if (answer === again) await env.clipboard.writeText(text);
  else if (answer === link) await env.clipboard.writeText(inviteLink(env.uriScheme, text));
}
