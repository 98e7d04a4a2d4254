import { l10n, Uri, window } from 'vscode';
import { localFailure } from '../model/editorFailure.ts';
import { plainText } from '../text.ts';

/** Asks for a folder of this machine for what a peer sends; `undefined` if the user left. */
export async function askFolder(
  peer: { readonly name: string },
  before: string | undefined,
): Promise<Uri | undefined> {
  const [folder] =
    (await window.showOpenDialog({
      title: l10n.t('Where to save what {0} sends', plainText(peer.name)),
      openLabel: l10n.t('Save Here'),
      canSelectFiles: false,
      canSelectFolders: true,
      ...(before === undefined ? {} : { defaultUri: Uri.file(before) }),
    })) ?? [];
  if (folder === undefined) return undefined;
  if (folder.scheme !== 'file') throw localFailure('place-unusable', plainText(folder.path));
  return folder;
}
