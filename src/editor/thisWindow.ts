import { env, ExtensionKind, UIKind, workspace } from 'vscode';
import type { Extension } from 'vscode';

/** What is true of this window as long as it lives, or at the moment of asking. */

/** The extension runs on another machine than the one in front of the user. */
export function isRemoteHost(extension: Extension<unknown>): boolean {
  const isElsewhere = env.remoteName !== undefined || env.uiKind === UIKind.Web;
  return extension.extensionKind === ExtensionKind.Workspace && isElsewhere;
}

/** The workspace folders that lie on the machine of the extension. */
export function localFolders(): string[] {
  return (workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri }) => uri.fsPath);
}

export function versionOf(extension: Extension<unknown>): string {
  const manifest: unknown = extension.packageJSON;
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return typeof version === 'string' ? version : '0.0.0';
}
