import { l10n, window } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { actionsOn } from '../model/transferView.ts';
import type { TransferAction } from '../model/transferView.ts';
import { BACK, pick } from '../pick.ts';
import { iconText } from '../text.ts';
import { TransferNode } from '../views/nodes.ts';
import { peerName } from '../words/peerName.ts';
import { shortStatus } from '../words/transferWords.ts';

/** The transfer that a command is about: its row's, or one that the user picks among those it fits. */
export async function transferFor(
  courier: Courier,
  node: unknown,
  action: TransferAction,
): Promise<TransferSummary | undefined> {
  await courier.client.connect();
  const { transfers } = courier.state.current;
  if (node instanceof TransferNode) {
    const transfer = transfers.find(({ id }) => id === node.transfer.id);
    if (transfer === undefined) throw localFailure('gone');
    return transfer;
  }
  const fitting = transfers.filter((transfer) => actionsOn(transfer).includes(action));
  if (fitting.length === 0) {
    await window.showInformationMessage(l10n.t('There is no transfer for that now.'));
    return undefined;
  }
  const items = fitting.map((transfer) => ({
    label: iconText(transfer.label),
    description: iconText(`${shortStatus(transfer)} · ${peerName(transfer)}`),
    transfer,
  }));
  const item = await pick(items, { title: l10n.t('Choose a transfer') });
  return item === BACK ? undefined : item?.transfer;
}
