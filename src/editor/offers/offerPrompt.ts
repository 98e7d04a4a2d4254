import { l10n, window } from 'vscode';
import type { Disposable } from 'vscode';
import type { OfferDetails, TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { shortFingerprint } from '../model/fingerprintText.ts';
import { noticeText } from '../text.ts';
import { notableSentence } from '../words/notableNames.ts';
import { bytes, count } from '../words/numbers.ts';
import { showFailure } from '../words/showFailure.ts';
import { acceptOffer, declineOffer, saveOfferTo } from './acceptFlow.ts';

/** The snapshot with the offer may come after the request to ask about it. */
const SNAPSHOT_TIMEOUT_MS = 5000;

/** Asks about an offer; closing the prompt answers nothing. */
export async function promptOffer(courier: Courier, id: string): Promise<void> {
  const transfer = await whenAsking(courier, id);
  if (transfer?.offer === undefined) return;
  const accept = transfer.offer.isInWorkspace ? l10n.t('Accept into Workspace') : l10n.t('Accept');
  const saveTo = l10n.t('Save to…');
  const decline = l10n.t('Decline');
  const answer = await window.showInformationMessage(
    question(transfer, transfer.offer),
    // The first one is the default, which a key presses unseen: it must be one that asks again.
    saveTo,
    accept,
    decline,
  );
  try {
    if (answer === accept) await acceptOffer(courier, transfer);
    else if (answer === saveTo) await saveOfferTo(courier, transfer);
    else if (answer === decline) await declineOffer(courier, transfer);
  } catch (error) {
    await showFailure(error, 'incoming');
  }
}

function question({ peer, label }: TransferSummary, offer: OfferDetails): string {
  const parts = [
    l10n.t(
      '{0} ({1}) wants to send you “{2}”.',
      noticeText(peer.name),
      shortFingerprint(peer.fingerprint),
      noticeText(label),
    ),
    l10n.t('Files: {0}, size: {1}.', count(offer.files), bytes(offer.bytes)),
  ];
  const notable = notableSentence(offer);
  if (notable !== undefined) parts.push(noticeText(notable));
  if (offer.conflicts > 0) parts.push(l10n.t('Names already taken there: {0}.', count(offer.conflicts)));
  parts.push(l10n.t('Goes to {0}.', noticeText(offer.folder)));
  return parts.join(' ');
}

function whenAsking({ state }: Courier, id: string): Promise<TransferSummary | undefined> {
  const find = (): TransferSummary | undefined =>
    state.current.transfers.find((transfer) => transfer.id === id && transfer.phase === 'asking');
  const now = find();
  if (now !== undefined) return Promise.resolve(now);
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      listener.dispose();
      resolve(find());
    };
    const timer = setTimeout(finish, SNAPSHOT_TIMEOUT_MS);
    const listener: Disposable = state.onDidChange(() => {
      if (find() !== undefined) finish();
    });
  });
}
