import { l10n, ThemeIcon, window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { PeerPolicy, PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { parseMegabytes } from '../model/megabytes.ts';
import { askFolder } from '../offers/askFolder.ts';
import { BACK, pick } from '../pick.ts';
import { iconText, noticeText, plainText } from '../text.ts';
import { bytes } from '../words/numbers.ts';
import { knownPeerFor } from './pickKnownPeer.ts';

interface PolicyItem extends QuickPickItem {
  readonly policy: PeerPolicy['kind'];
}

/** Asks what a peer may do. */
export async function setPeerPolicy(courier: Courier, node: unknown): Promise<void> {
  const peer = await knownPeerFor(courier, node);
  if (peer === undefined) return;
  const item = await pick(itemsFor(courier, peer), {
    title: l10n.t('What {0} may do', plainText(peer.name)),
    placeholder: l10n.t('Choose what happens when it offers something'),
  });
  if (item === undefined || item === BACK) return;
  const policy = await complete(item.policy, peer);
  if (policy !== undefined) {
    await courier.client.call('setPeerPolicy', { peer: peer.fingerprint, policy });
  }
}

function itemsFor({ settings }: Courier, { policy: now }: PeerSummary): PolicyItem[] {
  const { accept } = settings.engine().settings;
  const item = (policy: PolicyItem['policy'], label: string, icon: string, detail: string): PolicyItem => ({
    policy,
    label,
    ...(policy === now.kind ? { description: l10n.t('now') } : {}),
    detail,
    iconPath: new ThemeIcon(icon),
  });
  return [
    item(
      'default',
      l10n.t('As the settings say'),
      'settings-gear',
      accept === 'known'
        ? l10n.t('Now: what known peers send is accepted, up to the limit of the settings')
        : l10n.t('Now: each offer is asked about'),
    ),
    item('ask', l10n.t('Ask every time'), 'comment', l10n.t('Whatever the settings say')),
    item(
      'accept',
      l10n.t('Accept by itself…'),
      'inbox',
      now.kind === 'accept'
        ? iconText(l10n.t('Up to {0} an offer, into {1}', bytes(now.upToBytes), now.folder))
        : l10n.t('Up to a size, into a folder of your choice; nothing there is replaced'),
    ),
    item('block', l10n.t('Block'), 'circle-slash', l10n.t('It is let in no more, and nothing is sent to it')),
  ];
}

/** What else has to be asked; `undefined` if the user left. */
async function complete(kind: PeerPolicy['kind'], peer: PeerSummary): Promise<PeerPolicy | undefined> {
  switch (kind) {
    case 'default':
    case 'ask':
      return { kind };
    case 'block':
      return (await isBlockMeant(peer)) ? { kind } : undefined;
    case 'accept': {
      const before = peer.policy.kind === 'accept' ? peer.policy : undefined;
      const upToBytes = await askSize(before?.upToBytes);
      if (upToBytes === undefined) return undefined;
      const folder = (await askFolder(peer, before?.folder))?.fsPath;
      return folder === undefined ? undefined : { kind, upToBytes, folder };
    }
  }
}

const MEGABYTE = 1_000_000;
/** What the setting for all known peers begins with. */
const DEFAULT_MEGABYTES = 100;

async function askSize(beforeBytes: number | undefined): Promise<number | undefined> {
  const megabytes = beforeBytes === undefined ? DEFAULT_MEGABYTES : beforeBytes / MEGABYTE;
  const typed = await window.showInputBox({
    title: l10n.t('Accept by itself'),
    prompt: l10n.t(
      'The largest offer that is accepted without a question, in megabytes; in a day, ten times as much.',
    ),
    value: String(megabytes),
    ignoreFocusOut: true,
    validateInput: (value) =>
      parseMegabytes(value) === undefined ? l10n.t('A number of megabytes, such as 100.') : undefined,
  });
  return typed === undefined ? undefined : parseMegabytes(typed);
}

async function isBlockMeant({ name }: PeerSummary): Promise<boolean> {
  const block = l10n.t('Block');
  const answer = await window.showWarningMessage(
    l10n.t('Block {0}?', noticeText(name)),
    {
      modal: true,
      detail: l10n.t(
        'To it, this device will be one that does not know it. Transfers with it that run are interrupted.',
      ),
    },
    // The first one is the default, which a key presses unseen.
    l10n.t('Do Not Block'),
    block,
  );
  return answer === block;
}
