import { commands, l10n, window, workspace } from 'vscode';
import type { Uri } from 'vscode';
import type { Courier } from '../courier.ts';
import { globOf } from '../model/glob.ts';
import { isShownOnly } from '../model/shownOnly.ts';
import { BACK, pick } from '../pick.ts';
import { iconText, plainText } from '../text.ts';
import { isFolder, show } from './receivedCommands.ts';
import { receivedFor, uriOf } from './receivedTarget.ts';

const MOST_CANDIDATES = 50;

/** Compares a received file with one of the workspace: those of the same name first, or any other. */
export async function compareWithWorkspaceFile(courier: Courier, argument: unknown): Promise<void> {
  const target = await receivedFor(courier, argument);
  const uri = target && (await uriOf(target));
  const received = uri && (await fileIn(uri));
  if (received === undefined) return;
  // A comparison would draw it, too.
  if (isShownOnly(received.path)) {
    await show(courier, received);
    return;
  }
  const name = received.path.split('/').pop() ?? '';
  const other = await workspaceFile(name);
  if (other === undefined) return;
  await commands.executeCommand(
    'vscode.diff',
    other,
    received,
    l10n.t('{0}: workspace ↔ received', plainText(name)),
  );
}

/** The file itself, or one that the user picks in the folder. */
async function fileIn(uri: Uri): Promise<Uri | undefined> {
  if (!(await isFolder(uri))) return uri;
  const [file] =
    (await window.showOpenDialog({
      title: l10n.t('Choose the received file to compare'),
      openLabel: l10n.t('Compare'),
      defaultUri: uri,
    })) ?? [];
  return file;
}

async function workspaceFile(name: string): Promise<Uri | undefined> {
  const [root] = workspace.workspaceFolders ?? [];
  const found =
    root === undefined ? [] : await workspace.findFiles(`**/${globOf(name)}`, undefined, MOST_CANDIDATES);
  const items = found.map((uri) => ({
    label: iconText(workspace.asRelativePath(uri)),
    choose: (): Thenable<Uri | undefined> => Promise.resolve(uri),
  }));
  items.push({
    label: l10n.t('Another file…'),
    choose: async () => {
      const [file] =
        (await window.showOpenDialog({
          title: l10n.t('Choose the file to compare with'),
          openLabel: l10n.t('Compare'),
          ...(root === undefined ? {} : { defaultUri: root.uri }),
        })) ?? [];
      return file;
    },
  });
  const item = await pick(items, { title: l10n.t('Compare with which file?') });
  return item === undefined || item === BACK ? undefined : item.choose();
}
