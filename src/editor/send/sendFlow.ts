import { l10n } from 'vscode';
import type { Uri } from 'vscode';
import type { PeerSummary, SendOptions, SharedSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { withCancellableProgress } from '../progress.ts';
import { confirmSend } from './confirmSend.ts';
import { pickPeer } from './pickPeer.ts';
import { stageFiles } from './stageFiles.ts';

/** What is ready to be sent: paths on this machine, some of them maybe copies in an outbox. */
interface Package {
  readonly paths: readonly string[];
  readonly outbox: string | undefined;
}

/** Peer, preview, confirmation, transfer. The transfer's progress shows by itself. */
export async function sendFlow(
  courier: Courier,
  uris: readonly Uri[],
  chosen: PeerSummary | undefined,
): Promise<void> {
  await courier.client.connect();
  if (chosen?.policy.kind === 'block') throw localFailure('peer-blocked', chosen.name);
  let peer = chosen ?? (await pickPeer(courier));
  if (peer === undefined) return;
  const parcel = await pack(courier, uris);
  let isSent = false;
  try {
    let options = courier.settings.send(uris[0]);
    while (peer !== undefined) {
      const answer = await review(courier, peer, parcel, options);
      if (answer === undefined) return;
      if (answer.answer === 'again') ({ options } = answer);
      else if (answer.answer === 'back') peer = await pickPeer(courier);
      else {
        await courier.client.call('send', { ...parcel, peer: peer.fingerprint, options });
        isSent = true;
        return;
      }
    }
  } finally {
    if (!isSent) await discard(courier, parcel);
  }
}

/** Preview, confirmation, invite; `undefined` if the user left. The transfer waits for whoever uses the invite. */
export async function shareFlow(courier: Courier, uris: readonly Uri[]): Promise<SharedSummary | undefined> {
  await courier.client.connect();
  const parcel = await pack(courier, uris);
  let isShared = false;
  try {
    let options = courier.settings.send(uris[0]);
    for (;;) {
      const answer = await review(courier, undefined, parcel, options);
      if (answer === undefined || answer.answer === 'back') return undefined;
      if (answer.answer === 'again') ({ options } = answer);
      else {
        const shared = await courier.client.call('share', { ...parcel, options });
        isShared = true;
        return shared;
      }
    }
  } finally {
    if (!isShared) await discard(courier, parcel);
  }
}

async function review(
  courier: Courier,
  peer: PeerSummary | undefined,
  { paths }: Package,
  options: SendOptions,
) {
  const preview = await withCancellableProgress(l10n.t('Looking at what there is to send…'), ({ signal }) =>
    courier.client.call('preview', { paths, options }, { signal }),
  );
  const { files, folders, ignored, secrets } = preview;
  if (files + folders + ignored + secrets.count === 0) throw localFailure('nothing-to-send');
  return confirmSend(peer, preview, options);
}

/** Copies what is not on this machine. */
async function pack(courier: Courier, uris: readonly Uri[]): Promise<Package> {
  if (uris.every(({ scheme }) => scheme === 'file')) {
    return { paths: uris.map(({ fsPath }) => fsPath), outbox: undefined };
  }
  const { folder } = await courier.client.call('makeOutbox', undefined);
  try {
    const paths = await withCancellableProgress(l10n.t('Copying files to this machine…'), (staging) =>
      stageFiles(uris, folder, staging),
    );
    return { paths, outbox: folder };
  } catch (error) {
    await discard(courier, { paths: [], outbox: folder });
    throw error;
  }
}

async function discard({ client, log }: Courier, { outbox }: Package): Promise<void> {
  if (outbox === undefined) return;
  await client.call('discardOutbox', { folder: outbox }).catch((error: unknown) => {
    log.warn(`an outbox stays: ${String(error)}`);
  });
}
