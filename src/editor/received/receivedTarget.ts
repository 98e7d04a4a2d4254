import { l10n, Uri, window } from 'vscode';
import type { ReceivedSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { BACK, pick } from '../pick.ts';
import { iconText } from '../text.ts';
import { ReceivedNameNode, ReceivedNode } from '../views/nodes.ts';
import { bytes } from '../words/numbers.ts';

/** What a command on *Received* is about; without a name, all of it. */
export interface ReceivedTarget {
  readonly received: ReceivedSummary;
  readonly name: string | undefined;
}

/** From a row, from a row's click, or from what the user picks now; `undefined` if the user left. */
export async function receivedFor(courier: Courier, argument: unknown): Promise<ReceivedTarget | undefined> {
  await courier.client.connect();
  if (argument instanceof ReceivedNameNode) return { received: argument.received, name: argument.name };
  if (argument instanceof ReceivedNode) return { received: argument.received, name: undefined };
  const all = courier.state.current.received;
  if (typeof argument === 'object' && argument !== null && 'id' in argument) {
    const received = all.find(({ id }) => id === argument.id);
    if (received === undefined) throw localFailure('gone');
    const name = 'name' in argument ? argument.name : undefined;
    if (name === undefined) return { received, name };
    const known = received.names.find((candidate) => candidate === name);
    // A name that was not received leads who knows where.
    if (known === undefined) throw localFailure('gone');
    return { received, name: known };
  }
  if (all.length === 0) {
    await window.showInformationMessage(l10n.t('Nothing has been received yet.'));
    return undefined;
  }
  const items = all.map((received) => ({
    label: iconText(received.label),
    description: iconText(`${received.peer.name} · ${bytes(received.bytes)}`),
    received,
  }));
  const item = await pick(items, { title: l10n.t('Choose something received') });
  return item === BACK || item === undefined ? undefined : { received: item.received, name: undefined };
}

/** Where one of its names stands; asks which if there are several. */
export async function uriOf({ received, name }: ReceivedTarget): Promise<Uri | undefined> {
  const folder = Uri.file(received.folder);
  const [first] = received.names;
  if (first === undefined) return folder;
  if (name !== undefined) return Uri.joinPath(folder, name);
  if (received.names.length === 1) return Uri.joinPath(folder, first);
  const items = received.names.map((candidate) => ({ label: iconText(candidate), candidate }));
  const item = await pick(items, { title: l10n.t('Choose one of them') });
  return item === BACK || item === undefined ? undefined : Uri.joinPath(folder, item.candidate);
}
