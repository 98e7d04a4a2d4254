import { env } from 'vscode';
import type { Courier } from '../courier.ts';
import type { TransferAction } from '../model/transferView.ts';
import type { acceptOffer, declineOffer, saveOfferTo } from '../offers/acceptFlow.ts';
import { ReceivedNode } from '../views/nodes.ts';
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
