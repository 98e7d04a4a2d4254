import { l10n } from 'vscode';
import { assertNever } from '../../base/assertNever.ts';
import type { OfferDetails, TransferSummary } from '../../rpc/model.ts';
import { percentOf, spokenPercent } from '../model/transferView.ts';
import { sentenceFor } from './failureSentences.ts';
import { notableSentence } from './notableNames.ts';
import * as numbers from './numbers.ts';
import { peerName } from './peerName.ts';

/** `42% · 12 MB/s · 3 min left`, or what else a transfer is doing, in a few words. */
export function shortStatus(transfer: TransferSummary): string {
  const { phase, progress, offer } = transfer;
  switch (phase) {
    case 'shared':
      return l10n.t('shared until {0}', numbers.clockTime(transfer.retryAtMs ?? Date.now()));
    case 'connecting':
      return l10n.t('connecting…');
    case 'offering':
      return l10n.t('listing files…');
    case 'waiting':
      return l10n.t('waiting for the peer to accept');
    case 'asking':
      return offer === undefined
        ? l10n.t('wants to send')
        : l10n.t('wants to send {0}', numbers.bytes(offer.bytes));
    case 'moving':
      return movingStatus(transfer);
    case 'publishing':
      return l10n.t('finishing…');
    case 'paused':
      return l10n.t('paused at {0}%', percentOf(progress));
    case 'interrupted':
      // It was interrupted before anything was known of it.
      if (progress.bytesTotal === 0) return l10n.t('interrupted');
      if (transfer.direction === 'incoming') {
        return l10n.t('interrupted at {0}%, waits for the sender', percentOf(progress));
      }
      return transfer.retryAtMs === undefined
        ? l10n.t('interrupted at {0}%', percentOf(progress))
        : l10n.t('interrupted at {0}%, tries again', percentOf(progress));
    case 'done':
      return transfer.failedCount > 0
        ? l10n.t('done, except for some: {0}', numbers.count(transfer.failedCount))
        : l10n.t('done · {0}', numbers.bytes(progress.bytesTotal));
    case 'cancelled':
      return l10n.t('cancelled');
    case 'declined':
      return l10n.t('declined');
    case 'failed':
      return l10n.t('failed');
    default:
      return assertNever(phase);
  }
}

function movingStatus({ progress }: TransferSummary): string {
  const parts = [`${percentOf(progress)}%`];
  if (progress.bytesPerSecond > 0) parts.push(numbers.rate(progress.bytesPerSecond));
  const { remainingMs } = progress;
  if (remainingMs !== undefined) parts.push(l10n.t('{0} left', numbers.duration(remainingMs)));
  return parts.join(' · ');
}

/** For a progress notification: how far it is, and how many files. */
export function progressMessage(transfer: TransferSummary): string {
  if (transfer.phase !== 'moving') return shortStatus(transfer);
  const { entriesDone, entriesTotal } = transfer.progress;
  const entries = l10n.t('{0} of {1} items', numbers.count(entriesDone), numbers.count(entriesTotal));
  return `${movingStatus(transfer)} · ${entries}`;
}

/** What a screen reader says; changes in steps. Texts of the peer are not markup anywhere here. */
export function spokenStatus(transfer: TransferSummary): string {
  const { direction, label, phase, progress } = transfer;
  const head =
    direction === 'outgoing'
      ? l10n.t('Sending “{0}” to {1}', label, peerName(transfer))
      : l10n.t('Receiving “{0}” from {1}', label, peerName(transfer));
  const status =
    phase === 'moving' ? l10n.t('{0} percent', spokenPercent(percentOf(progress))) : shortStatus(transfer);
  return `${head}, ${status}`;
}

/** Everything about it, line by line. Texts of the peer are in it as they are. */
export function details(transfer: TransferSummary): readonly string[] {
  const { direction, label, progress, failure, digest, offer } = transfer;
  const lines = [
    label,
    direction === 'outgoing' ? l10n.t('To {0}', peerName(transfer)) : l10n.t('From {0}', peerName(transfer)),
    l10n.t('{0} of {1}', numbers.bytes(progress.bytesDone), numbers.bytes(progress.bytesTotal)),
    shortStatus(transfer),
  ];
  if (offer !== undefined) lines.push(...offerLines(offer));
  if (failure !== undefined) lines.push(sentenceFor(failure, direction));
  if (transfer.skippedCount > 0) {
    lines.push(l10n.t('Already there or left as they were: {0}', numbers.count(transfer.skippedCount)));
  }
  if (transfer.failedCount > 0) {
    lines.push(l10n.t('Did not arrive: {0}', numbers.count(transfer.failedCount)));
  }
  if (transfer.heldBytes !== undefined) {
    lines.push(l10n.t('Kept on this disk until it goes on: {0}', numbers.bytes(transfer.heldBytes)));
  }
  if (digest !== undefined) lines.push(l10n.t('Digest {0}', digest));
  return lines;
}

/** What there is to know of an offer before it is answered. */
function offerLines(offer: OfferDetails): string[] {
  const { files, bytes, largest, conflicts, folder, deadlineMs } = offer;
  const lines = [l10n.t('Files: {0}, size: {1}.', numbers.count(files), numbers.bytes(bytes))];
  if (largest.length > 1) {
    const named = largest.map(({ path, sizeBytes }) => `${path} (${numbers.bytes(sizeBytes)})`);
    lines.push(l10n.t('Largest: {0}', named.join(', ')));
  }
  const notable = notableSentence(offer);
  if (notable !== undefined) lines.push(notable);
  if (conflicts > 0) lines.push(l10n.t('Names already taken there: {0}.', numbers.count(conflicts)));
  lines.push(l10n.t('Goes to {0}.', folder), l10n.t('Answer by {0}', numbers.clockTime(deadlineMs)));
  return lines;
}
