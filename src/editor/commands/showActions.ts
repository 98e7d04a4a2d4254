import { commands, l10n, ThemeIcon } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { Courier } from '../courier.ts';
import { BACK, pick } from '../pick.ts';

interface ActionItem extends QuickPickItem {
  readonly command: string;
}

/** What the status-bar item opens: what can be done now. */
export async function showActions({ state }: Courier): Promise<void> {
  const { receiver, transfers } = state.current;
  const isOff = receiver.state === 'off' || receiver.state === 'failed';
  const hasOffers = transfers.some(({ phase }) => phase === 'asking');
  const items: ActionItem[] = [
    ...(hasOffers
      ? [
          action('peerCourier.acceptOffer', l10n.t('Accept an offer…'), 'check'),
          action('peerCourier.declineOffer', l10n.t('Decline an offer…'), 'close'),
        ]
      : []),
    action('peerCourier.transfers.focus', l10n.t('Show transfers'), 'list-unordered'),
    action('peerCourier.send', l10n.t('Send to peer…'), 'send'),
    action('peerCourier.share', l10n.t('Share…'), 'link'),
    action('peerCourier.createInvite', l10n.t('Create an invite'), 'mail'),
    isOff
      ? action('peerCourier.startReceiver', l10n.t('Start the receiver'), 'radio-tower')
      : action('peerCourier.stopReceiver', l10n.t('Stop the receiver'), 'circle-slash'),
  ];
  const item = await pick(items, { title: 'Peer Courier' });
  if (item !== undefined && item !== BACK) await commands.executeCommand(item.command);
}

function action(command: string, label: string, icon: string): ActionItem {
  return { command, label, iconPath: new ThemeIcon(icon) };
}
