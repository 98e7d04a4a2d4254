import { l10n, TabInputCustom, TabInputNotebook, TabInputText, Uri, window, workspace } from 'vscode';
import { localFailure } from '../model/editorFailure.ts';
import { withoutNested } from '../model/selection.ts';
import { plainText } from '../text.ts';

/**
 * What to send: what was clicked and selected in the explorer, the editor's tab, the active file, or what
 * the user picks now. `undefined` if the user left.
 */
export async function selectionOf(clicked: unknown, selected: unknown): Promise<Uri[] | undefined> {
  const several = Array.isArray(selected) ? selected.filter((uri) => uri instanceof Uri) : [];
  const one = clicked instanceof Uri ? clicked : several.length > 0 ? undefined : activeUri();
  const uris = several.length > 0 ? several : one === undefined ? await browse() : [one];
  if (uris === undefined) return undefined;
  const bad = uris.find(
    ({ scheme }) => scheme !== 'file' && workspace.fs.isWritableFileSystem(scheme) === undefined,
  );
  if (bad !== undefined) throw localFailure('place-unusable', plainText(bad.path || bad.scheme));
  return (await saveFirst(uris)) ? withoutNested(uris) : undefined;
}

function activeUri(): Uri | undefined {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof TabInputText || input instanceof TabInputCustom || input instanceof TabInputNotebook) {
    return input.uri;
  }
  return window.activeTextEditor?.document.uri;
}

async function browse(): Promise<Uri[] | undefined> {
  return window.showOpenDialog({
    title: l10n.t('Choose what to send'),
    openLabel: l10n.t('Send'),
    canSelectFiles: true,
    canSelectFolders: true,
    canSelectMany: true,
  });
}

/** What is sent is what is on disk; `false` if the user left. */
async function saveFirst(uris: readonly Uri[]): Promise<boolean> {
  const unsaved = workspace.textDocuments.filter(
    ({ isDirty, isUntitled, uri }) => isDirty && !isUntitled && uris.some((root) => contains(root, uri)),
  );
  if (unsaved.length === 0) return true;
  const save = l10n.t('Save and Send');
  const leave = l10n.t('Send as Saved');
  const answer = await window.showWarningMessage(
    l10n.t('There are changes that are not saved. What is sent is what is saved.'),
    { modal: true },
    save,
    leave,
  );
  if (answer === save) for (const document of unsaved) await document.save();
  return answer !== undefined;
}

function contains(root: Uri, uri: Uri): boolean {
  if (root.scheme !== uri.scheme || root.authority !== uri.authority) return false;
  return uri.path === root.path || uri.path.startsWith(`${root.path.replace(/(?<!\/)\/+$/u, '')}/`);
}
