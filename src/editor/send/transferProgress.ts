import { l10n, ProgressLocation, window } from 'vscode';
import type { Disposable, Progress } from 'vscode';
import { deferred } from '../../base/deferred.ts';
import type { TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { hasEnded, percentOf } from '../model/transferView.ts';
import { noticeText } from '../text.ts';
import { peerName } from '../words/peerName.ts';
import { progressMessage } from '../words/transferWords.ts';
import { showFailure } from '../words/showFailure.ts';
import { sayEnd } from './sayEnd.ts';

/** A notification that waits for a connection is in the way after this long; the view has it all. */
const INTERRUPTED_MS = 30_000;

/** Shows the outgoing transfers that this window has started, one cancellable notification each. */
export class TransferProgress implements Disposable {
  readonly #courier: Courier;
  readonly #listener: Disposable;
  readonly #shown = new Map<string, Notification>();
  /** All that this window has seen, so that what had ended before it looked is not told as news. */
  readonly #seen = new Set<string>();
  /** Those whose end is still to be told. */
  readonly #awaited = new Set<string>();
  #isFirstLook = true;

  constructor(courier: Courier) {
    this.#courier = courier;
    this.#listener = courier.state.onDidChange((sections) => {
      if (sections.has('transfers')) this.#update();
    });
  }

  dispose(): void {
    this.#listener.dispose();
    for (const notification of this.#shown.values()) notification.end();
    this.#shown.clear();
  }

  #update(): void {
    const { transfers } = this.#courier.state.current;
    for (const transfer of transfers) {
      if (transfer.direction === 'outgoing' && transfer.window === this.#courier.window) this.#look(transfer);
    }
    this.#isFirstLook = false;
    for (const [id, notification] of this.#shown) {
      if (!transfers.some((transfer) => transfer.id === id)) this.#close(id, notification);
    }
  }

  #look(transfer: TransferSummary): void {
    const { id, phase } = transfer;
    const isNews = !this.#seen.has(id) && !this.#isFirstLook;
    this.#seen.add(id);
    // A short one may have ended before its first snapshot.
    if (isNews || !hasEnded(transfer)) this.#awaited.add(id);
    const shown = this.#shown.get(id);
    if (hasEnded(transfer) || phase === 'paused') {
      this.#close(id, shown);
      if (hasEnded(transfer) && this.#awaited.delete(id)) this.#tellEnd(transfer);
    } else if (shown !== undefined) shown.update(transfer);
    // What waits for somebody else, for minutes, would be in the way.
    else if (phase !== 'interrupted' && phase !== 'shared') this.#shown.set(id, this.#open(transfer));
  }

  #close(id: string, notification: Notification | undefined): void {
    notification?.end();
    this.#shown.delete(id);
  }

  #tellEnd(transfer: TransferSummary): void {
    sayEnd(transfer).catch((error: unknown) => this.#courier.log.error(String(error)));
  }

  #open(transfer: TransferSummary): Notification {
    const { id } = transfer;
    const notification = new Notification(
      transfer,
      () => {
        this.#courier.client.call('cancelTransfer', { id }).catch((error: unknown) => showFailure(error));
      },
      () => this.#shown.delete(id),
    );
    notification.update(transfer);
    return notification;
  }
}

class Notification {
  readonly #ended = deferred<void>();
  readonly #onLeft: () => void;
  #progress: Progress<{ message?: string; increment?: number }> | undefined;
  #percent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(transfer: TransferSummary, onCancel: () => void, onLeft: () => void) {
    this.#onLeft = onLeft;
    // Nothing in it rejects.
    void window.withProgress(
      {
        location: ProgressLocation.Notification,
        title: l10n.t('Sending “{0}” to {1}', noticeText(transfer.label), noticeText(peerName(transfer))),
        cancellable: true,
      },
      (progress, token) => {
        this.#progress = progress;
        token.onCancellationRequested(onCancel);
        return this.#ended.promise;
      },
    );
  }

  update(transfer: TransferSummary): void {
    const percent = percentOf(transfer.progress, transfer.phase);
    const increment = Math.max(0, percent - this.#percent);
    this.#percent += increment;
    this.#progress?.report({ message: progressMessage(transfer), increment });
    if (transfer.phase !== 'interrupted') {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else {
      this.#timer ??= setTimeout(() => {
        this.end();
        this.#onLeft();
      }, INTERRUPTED_MS);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#ended.resolve();
  }
}
