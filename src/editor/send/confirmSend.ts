import { l10n, ThemeIcon } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { PeerSummary, PreviewSummary, SendOptions } from '../../rpc/model.ts';
import { BACK, pick } from '../pick.ts';
import { iconText, plainText } from '../text.ts';
import { bytes, count } from '../words/numbers.ts';

/** What the user says to a preview: go, look again with other options, or go back. */
export type Confirmation =
  | { readonly answer: 'send' }
  | { readonly answer: 'again'; readonly options: SendOptions }
  | { readonly answer: 'back' };

interface ChoiceItem extends QuickPickItem {
  readonly confirmation: Confirmation;
}

/**
 * Shows what would be sent and what is left out; `undefined` if the user left. Without a peer it is shared with whoever
 * uses an invite.
 */
export async function confirmSend(
  peer: PeerSummary | undefined,
  preview: PreviewSummary,
  options: SendOptions,
): Promise<Confirmation | undefined> {
  const title =
    peer === undefined
      ? l10n.t('Share with whoever uses the invite')
      : l10n.t('Send to {0}', plainText(peer.name));
  const items = [sendItem(preview, peer !== undefined), ...optionItems(preview, options)];
  const item = await pick(items, {
    title,
    placeholder:
      peer === undefined
        ? l10n.t('Press Enter to make the invite, Escape to leave')
        : l10n.t('Press Enter to send, Escape to leave'),
    hasBack: peer !== undefined,
  });
  if (item === BACK) return { answer: 'back' };
  return item?.confirmation;
}

function sendItem(preview: PreviewSummary, hasPeer: boolean): ChoiceItem {
  const { files, folders, largest, refusedNames, specials, unreadable } = preview;
  const notes: string[] = [];
  if (unreadable.count > 0) {
    notes.push(l10n.t('cannot be read: {0} ({1})', count(unreadable.count), names(unreadable.first)));
  }
  if (refusedNames.count > 0) {
    notes.push(
      l10n.t('names that cannot be sent: {0} ({1})', count(refusedNames.count), names(refusedNames.first)),
    );
  }
  if (specials > 0) notes.push(l10n.t('links and special files left out: {0}', count(specials)));
  const [first] = largest;
  if (first !== undefined && files > 1) {
    notes.push(l10n.t('largest: {0} ({1})', first.path, bytes(first.sizeBytes)));
  }
  return {
    label: hasPeer ? l10n.t('Send') : l10n.t('Share'),
    description: l10n.t(
      'Files: {0}, folders: {1}, size: {2}',
      count(files),
      count(folders),
      bytes(preview.bytes),
    ),
    ...(notes.length > 0 ? { detail: iconText(notes.join(' · ')) } : {}),
    iconPath: new ThemeIcon(hasPeer ? 'send' : 'link'),
    confirmation: { answer: 'send' },
  };
}

function optionItems({ ignored, secrets }: PreviewSummary, options: SendOptions): ChoiceItem[] {
  const items: ChoiceItem[] = [];
  if (options.useGitignore && ignored > 0) {
    items.push({
      label: l10n.t('Send what .gitignore leaves out, too'),
      description: l10n.t('left out: {0}', count(ignored)),
      iconPath: new ThemeIcon('eye-closed'),
      confirmation: { answer: 'again', options: { ...options, useGitignore: false } },
    });
  }
  if (!options.useGitignore) {
    items.push({
      label: l10n.t('Leave out what .gitignore names'),
      iconPath: new ThemeIcon('eye'),
      confirmation: { answer: 'again', options: { ...options, useGitignore: true } },
    });
  }
  if (options.leaveOutSecrets && secrets.count > 0) {
    items.push({
      label: l10n.t('Send files that look like secrets, too'),
      description: l10n.t('left out: {0}', count(secrets.count)),
      detail: iconText(names(secrets.first)),
      iconPath: new ThemeIcon('lock'),
      confirmation: { answer: 'again', options: { ...options, leaveOutSecrets: false } },
    });
  }
  if (!options.leaveOutSecrets) {
    items.push({
      label: l10n.t('Leave out files that look like secrets'),
      ...(secrets.count > 0
        ? {
            description: l10n.t('they are sent: {0}', count(secrets.count)),
            detail: iconText(names(secrets.first)),
          }
        : {}),
      iconPath: new ThemeIcon('unlock'),
      confirmation: { answer: 'again', options: { ...options, leaveOutSecrets: true } },
    });
  }
  return items;
}

function names(paths: readonly string[]): string {
  return paths.slice(0, 3).join(', ');
}
