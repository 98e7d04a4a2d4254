import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { NearbyPeer } from '../../rpc/model.ts';
import { fullFingerprint, shortFingerprint } from '../model/fingerprintText.ts';
import { plainText } from '../text.ts';

/** The row of a device that is not known yet. What it calls itself, if anything, is only its own word. */
export function nearbyItem({ fingerprint, deviceName, address }: NearbyPeer): TreeItem {
  const name = deviceName === undefined ? l10n.t('A device') : `“${plainText(deviceName)}”`;
  const item = new TreeItem(name, TreeItemCollapsibleState.None);
  item.id = `nearby/${fingerprint}`;
  item.description = plainText(l10n.t('not paired · {0}', address));
  item.tooltip = [
    name,
    plainText(address),
    l10n.t(
      'It is on this network. Pair with it to send it something: anybody may call a device by any name.',
    ),
    fullFingerprint(fingerprint, 8),
  ].join('\n');
  item.iconPath = new ThemeIcon('question');
  item.contextValue = 'nearby';
  item.accessibilityInformation = {
    label: l10n.t('{0} on this network, not paired, fingerprint {1}', name, shortFingerprint(fingerprint)),
    role: 'treeitem',
  };
  return item;
}
