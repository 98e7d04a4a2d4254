import { l10n, Uri, workspace } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { BACK, pick } from '../pick.ts';
import { askFolder } from './askFolder.ts';
import { tellWhenReceived } from './tellWhenReceived.ts';

type OnConflict = 'skip' | 'keep-both' | 'replace';

/** Accepts an offer into the folder that it names; asks first what becomes of names that are taken there. */
export async function acceptOffer(courier: Courier, { id }: TransferSummary): Promise<void> {
  const { client, state } = courier;
  const { offer } = findOffer(state.current.transfers, id);
  const onConflict = offer.conflicts > 0 ? await askConflict() : 'keep-both';
  if (onConflict === undefined) return;
  await client.call('acceptOffer', { id, folder: undefined, onConflict });
  tellWhenReceived(courier, id);
}

/** Accepts it into a folder that the user picks now. */
export async function saveOfferTo(courier: Courier, { id }: TransferSummary): Promise<void> {
  const { client, state } = courier;
  const { offer, peer } = findOffer(state.current.transfers, id);
  const folder = await askFolder(peer, undefined);
  if (folder === undefined) return;
  const hasConflict = await areTaken(folder, offer.roots, offer.rootCount);
  const onConflict = hasConflict ? await askConflict() : 'keep-both';
  if (onConflict === undefined) return;
  await client.call('acceptOffer', { id, folder: folder.fsPath, onConflict });
  tellWhenReceived(courier, id);
}

export async function declineOffer({ client, state }: Courier, { id }: TransferSummary): Promise<void> {
  findOffer(state.current.transfers, id);
  await client.call('declineOffer', { id });
}

/** The offer while it can be answered; throws `gone` if it was answered elsewhere or has expired. */
function findOffer(transfers: readonly TransferSummary[], id: string) {
  const transfer = transfers.find((candidate) => candidate.id === id);
  if (transfer?.phase !== 'asking' || transfer.offer === undefined) throw localFailure('gone');
  return { offer: transfer.offer, peer: transfer.peer };
}

/** Whether a name is taken there, or may be: an offer names only its first ones. */
async function areTaken(folder: Uri, names: readonly string[], nameCount: number): Promise<boolean> {
  if (nameCount > names.length) return true;
  for (const name of names) {
    try {
      await workspace.fs.stat(Uri.joinPath(folder, name));
      return true;
    } catch {
      // It is free.
    }
  }
  return false;
}

async function askConflict(): Promise<OnConflict | undefined> {
  const items: readonly {
    readonly label: string;
    readonly detail: string;
    readonly onConflict: OnConflict;
  }[] = [
    {
      label: l10n.t('Keep both'),
      detail: l10n.t('What arrives gets a new name where its own is taken'),
      onConflict: 'keep-both',
    },
    {
      label: l10n.t('Skip what is there'),
      detail: l10n.t('Only what is missing is received'),
      onConflict: 'skip',
    },
    {
      label: l10n.t('Replace'),
      detail: l10n.t('What is there gives way to what arrives'),
      onConflict: 'replace',
    },
  ];
  const item = await pick(items, {
    title: l10n.t('Some names are taken in that folder'),
    placeholder: l10n.t('Choose what happens to them'),
  });
  return item === BACK ? undefined : item?.onConflict;
}
