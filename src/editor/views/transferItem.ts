import { l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';
import { contextValueOf } from '../model/transferView.ts';
import { plainText } from '../text.ts';
import { peerName } from '../words/peerName.ts';
import { details, shortStatus, spokenStatus } from '../words/transferWords.ts';
import type { TransferLineNode } from './nodes.ts';

/** The row of a transfer. */
export function transferItem(transfer: TransferSummary, hasLines: boolean): TreeItem {
  const item = new TreeItem(
    plainText(transfer.label),
    hasLines ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
  );
  item.id = `transfer/${transfer.id}`;
  const direction =
    transfer.direction === 'outgoing'
      ? l10n.t('to {0}', peerName(transfer))
      : l10n.t('from {0}', peerName(transfer));
  item.description = plainText(`${shortStatus(transfer)} · ${direction}`);
  item.tooltip = details(transfer).map(plainText).join('\n');
  item.iconPath = iconOf(transfer);
  item.contextValue = contextValueOf(transfer);
  item.accessibilityInformation = { label: plainText(spokenStatus(transfer)), role: 'treeitem' };
  return item;
}

/** A line below it. */
export function transferLineItem({ transfer, index, text, note }: TransferLineNode): TreeItem {
  const item = new TreeItem(plainText(text), TreeItemCollapsibleState.None);
  item.id = `transfer/${transfer}/line/${index}`;
  item.description = note;
  item.tooltip = note === '' ? plainText(text) : `${plainText(text)}: ${note}`;
  item.iconPath = new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
  item.contextValue = 'transferLine';
  return item;
}

function iconOf({ phase, direction, failedCount }: TransferSummary): ThemeIcon {
  switch (phase) {
    case 'shared':
      return new ThemeIcon('link');
    case 'connecting':
    case 'offering':
      return new ThemeIcon('loading~spin');
    case 'waiting':
      return new ThemeIcon('watch');
    case 'asking':
      return new ThemeIcon('inbox', new ThemeColor('list.highlightForeground'));
    case 'moving':
    case 'publishing':
      return new ThemeIcon(direction === 'outgoing' ? 'cloud-upload' : 'cloud-download');
    case 'paused':
      return new ThemeIcon('debug-pause');
    case 'interrupted':
      return new ThemeIcon('debug-disconnect');
    case 'done':
      return failedCount > 0
        ? new ThemeIcon('warning', new ThemeColor('list.warningForeground'))
        : new ThemeIcon('pass', new ThemeColor('testing.iconPassed'));
    case 'cancelled':
    case 'declined':
      return new ThemeIcon('circle-slash');
    case 'failed':
      return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
  }
}
