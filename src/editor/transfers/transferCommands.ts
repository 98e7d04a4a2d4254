import { env, l10n, window } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import type { TransferAction } from '../model/transferView.ts';
import type { acceptOffer, declineOffer, saveOfferTo } from '../offers/acceptFlow.ts';
import { noticeText, plainText } from '../text.ts';
import { ReceivedNode } from '../views/nodes.ts';
import * as numbers from '../words/numbers.ts';
import { transferFor } from './pickTransfer.ts';

/** What is asked of the engine with nothing but a transfer's id. */
type PlainRequest =
  | 'pauseTransfer'
  | 'resumeTransfer'
  | 'cancelTransfer'
  | 'retryTransfer'
  | 'removeTransfer';

export async function changeTransfer(
  courier: Courier,
  node: unknown,
  action: TransferAction,
  request: PlainRequest,
): Promise<void> {
  const transfer = await transferFor(courier, node, action);
  if (transfer !== undefined) await courier.client.call(request, { id: transfer.id });
}

/** Gives an interrupted transfer up, after a question: what is held of it cannot be had back. */
export async function discardTransfer(courier: Courier, node: unknown): Promise<void> {
  const transfer = await transferFor(courier, node, 'discard');
  if (transfer === undefined) return;
  const discard = l10n.t('Discard');
  const answer = await window.showWarningMessage(
    l10n.t('Discard “{0}”?', noticeText(transfer.label)),
    { modal: true, detail: lossOf(transfer) },
    discard,
  );
  if (answer === discard) await courier.client.call('discardTransfer', { id: transfer.id });
}

function lossOf({ direction, heldBytes, peer }: TransferSummary): string {
  if (direction === 'outgoing') {
    return l10n.t(
      'It does not go on. What {0} has received of it stays there until it is discarded there.',
      plainText(peer.name),
    );
  }
  const held = numbers.bytes(heldBytes ?? 0);
  return l10n.t('It does not go on. What was received of it, {0}, is removed from this disk.', held);
}

export async function answerOffer(
  courier: Courier,
  node: unknown,
  answer: typeof acceptOffer | typeof declineOffer | typeof saveOfferTo,
): Promise<void> {
  const transfer = await transferFor(courier, node, 'answer');
  if (transfer !== undefined) await answer(courier, transfer);
}

/** Of a transfer's row, or of one in the history. */
export async function copyDigest(courier: Courier, node: unknown): Promise<void> {
  if (node instanceof ReceivedNode) {
    await env.clipboard.writeText(node.received.digest);
    return;
  }
  const transfer = await transferFor(courier, node, 'copyDigest');
  if (transfer?.digest !== undefined) await env.clipboard.writeText(transfer.digest);
}
