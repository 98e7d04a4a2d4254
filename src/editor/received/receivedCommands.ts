import { commands, env, FileType, l10n, Uri, window, workspace } from 'vscode';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { isShownOnly } from '../model/shownOnly.ts';
import { BACK, pick } from '../pick.ts';
import { noticeText, plainText } from '../text.ts';
import { receivedFor, uriOf } from './receivedTarget.ts';

/**
 * Opens a received file; for a folder, asks how. A folder gets a window of its own, whose trust is the editor's
 * question to its user: never this one, which may be trusted.
 */
export async function open(courier: Courier, argument: unknown): Promise<void> {
  const target = await receivedFor(courier, argument);
  const uri = target && (await uriOf(target));
  if (uri === undefined) return;
  if (!(await isFolder(uri))) {
    if (isShownOnly(uri.path)) await show(courier, uri);
    else await commands.executeCommand('vscode.open', uri);
    return;
  }
  const items = [
    { label: l10n.t('Open in a new window'), run: () => openFolder(uri) },
    { label: l10n.t('Show where it is'), run: () => show(courier, uri) },
  ];
  const item = await pick(items, { title: plainText(uri.fsPath) });
  if (item !== undefined && item !== BACK) await item.run();
}

/** Shows where something received is. */
export async function reveal(courier: Courier, argument: unknown): Promise<void> {
  const target = await receivedFor(courier, argument);
  const uri = target && (await uriOf(target));
  if (uri === undefined) return;
  await isFolder(uri);
  await show(courier, uri);
}

export async function removeReceived(courier: Courier, argument: unknown): Promise<void> {
  const target = await receivedFor(courier, argument);
  if (target !== undefined) await courier.client.call('removeReceived', { id: target.received.id });
}

/** Whether it is a folder; throws if it is not there any more. */
export async function isFolder(uri: Uri): Promise<boolean> {
  try {
    const { type } = await workspace.fs.stat(uri);
    return type === FileType.Directory;
  } catch (error) {
    throw localFailure('source-missing', plainText(uri.fsPath), error);
  }
}

/** In the explorer if it lies in the workspace, else in the file manager of this machine if there is one. */
export async function show({ isRemoteHost }: Courier, uri: Uri): Promise<void> {
  if (workspace.getWorkspaceFolder(uri) !== undefined) {
    await commands.executeCommand('revealInExplorer', uri);
    return;
  }
  if (!isRemoteHost) {
    await commands.executeCommand('revealFileInOS', uri);
    return;
  }
  const openIt = l10n.t('Open Folder in New Window');
  const copy = l10n.t('Copy Path');
  const answer = await window.showInformationMessage(
    l10n.t('It is on the remote machine: {0}', noticeText(uri.fsPath)),
    openIt,
    copy,
  );
  if (answer === copy) await env.clipboard.writeText(uri.fsPath);
  else if (answer === openIt) await openFolder((await isFolder(uri)) ? uri : Uri.joinPath(uri, '..'));
}

async function openFolder(uri: Uri): Promise<void> {
  await commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}
