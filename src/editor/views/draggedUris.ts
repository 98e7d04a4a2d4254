import { Uri } from 'vscode';
import type { DataTransfer } from 'vscode';

/** From the explorer as a list of URIs, from the operating system as files. */
export const DROP_TYPES: readonly string[] = ['text/uri-list', 'files'];

/** What was dropped. Files that a browser hands over without a place on this machine are left out. */
export async function draggedUris(transfer: DataTransfer): Promise<Uri[]> {
  const uris: Uri[] = [];
  const list = await transfer.get('text/uri-list')?.asString();
  for (const line of (list ?? '').split(/\r?\n/u)) {
    if (line !== '' && !line.startsWith('#')) uris.push(Uri.parse(line));
  }
  if (uris.length > 0) return uris;
  for (const [, item] of transfer) {
    const uri = item.asFile()?.uri;
    if (uri !== undefined) uris.push(uri);
  }
  return uris;
}
