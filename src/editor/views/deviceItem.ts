import { l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { EngineState } from '../../rpc/model.ts';
import { fullFingerprint } from '../model/fingerprintText.ts';
import { plainText } from '../text.ts';
import { sentenceFor } from '../words/failureSentences.ts';
import type { DeviceLineNode } from './nodes.ts';

/** The row of this device: whether it receives, and as whom. */
export function deviceItem({ device, receiver }: EngineState): TreeItem {
  const item = new TreeItem(l10n.t('This device'), TreeItemCollapsibleState.Collapsed);
  item.id = 'device';
  item.contextValue = `device:${receiver.state}`;
  switch (receiver.state) {
    case 'off':
      item.description = l10n.t('the receiver is off');
      item.iconPath = new ThemeIcon('circle-outline');
      break;
    case 'starting':
      item.description = l10n.t('starting…');
      item.iconPath = new ThemeIcon('loading~spin');
      break;
    case 'listening':
      item.description = plainText(l10n.t('listening on {0}', receiver.addresses[0] ?? ''));
      item.iconPath = new ThemeIcon('radio-tower');
      break;
    case 'failed':
      item.description = plainText(sentenceFor(receiver.failure, undefined));
      item.iconPath = new ThemeIcon('error', new ThemeColor('list.errorForeground'));
      break;
  }
  const status = item.description;
  // At the default width only the first words are seen.
  item.description = `${status} · ${plainText(device.name)}`;
  item.tooltip = [plainText(device.name), plainText(device.machine), status]
    .concat(fullFingerprint(device.fingerprint ?? '', 8))
    .join('\n');
  item.accessibilityInformation = {
    label: l10n.t('This device, {0}, {1}', plainText(device.name), status),
    role: 'treeitem',
  };
  return item;
}

export function deviceLineItem({ line, text }: DeviceLineNode): TreeItem {
  const item = new TreeItem(plainText(text), TreeItemCollapsibleState.None);
  item.id = `device/${line}/${text}`;
  item.contextValue = `deviceLine:${line}`;
  switch (line) {
    case 'fingerprint':
      item.iconPath = new ThemeIcon('key');
      item.tooltip = l10n.t('The fingerprint of this device. A peer that adds it by address compares this.');
      break;
    case 'address':
      item.iconPath = new ThemeIcon('plug');
      item.tooltip = l10n.t('Peers can reach this device here.');
      break;
    case 'folder':
      item.iconPath = new ThemeIcon('folder');
      item.tooltip = l10n.t('What is accepted is received into this folder.');
      break;
  }
  return item;
}
