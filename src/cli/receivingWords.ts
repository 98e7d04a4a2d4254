import { LinePace } from '../base/linePace.ts';
import { printable } from '../base/printable.ts';
import type { IncomingTransfers } from '../engine/incomingTransfers.ts';
import type { ReceiverObserver, Receiving } from '../engine/receiver.ts';
import { backgroundClock } from '../node/clock.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import { explainEnd, interruptionFor, reasonFor, statusOf, SUCCESS } from './failures.ts';
import { tellNotable } from './notableWords.ts';
import { formatBytes, formatCount, formatDuration, percentOf } from './format.ts';
import type { Output } from './output.ts';

/** How long one that may have to tell again that all has arrived waits before it takes that for known. */
const UNHEARD_MS = 60_000;

/** Follows the transfers that come in and tells of them. */
export class ReceivingWords implements ReceiverObserver {
  // Immutable.
  readonly #output: Output;
  readonly #transfers: IncomingTransfers;
  /** Whether the user is asked about each offer. */
  readonly #isAsked: boolean;
  readonly #onEnd: (status: number) => void;
  /** Strangers may come as often as they like. */
  readonly #refusals = new LinePace(backgroundClock, (reason, count) => this.#refusedMore(reason, count));

  // Mutable.
  /** Since when, by the monotonic clock. */
  readonly #running = new Map<Receiving, number>();
  readonly #repeated = new WeakSet<Receiving>();
  #isPaused = false;
  #isStopping = false;

  /** `onEnd` hears of each transfer that has ended; one that is interrupted has not. */
  constructor(
    output: Output,
    transfers: IncomingTransfers,
    { isAsked, onEnd }: { readonly isAsked: boolean; readonly onEnd: (status: number) => void },
  ) {
    this.#output = output;
    this.#transfers = transfers;
    this.#isAsked = isAsked;
    this.#onEnd = onEnd;
  }

  /** The ids of those that can go on later. */
  get interrupted(): readonly string[] {
    return this.#transfers
      .summaries()
      .filter(({ phase }) => phase === 'interrupted')
      .map(({ id }) => id);
  }

  /** Keeps progress off the screen while something is asked. */
  pause(): void {
    this.#isPaused = true;
    this.#output.unwatch();
  }

  resume(): void {
    this.#isPaused = false;
    this.#watch();
  }

  /** What ends from now on, ends because this process does; `isStopped`: because its user wants it so. */
  stop(isStopped: boolean): void {
    this.#isStopping = isStopped;
  }

  /** Says what an earlier process has left. */
  waiting(): void {
    for (const { id, peer, label, progress } of this.#transfers.summaries()) {
      const { bytesDone, bytesTotal } = progress;
      const name = printable(peer.name);
      this.#output.event('waiting', { peer: name, transfer: id, label, bytesDone, bytesTotal });
      this.#output.line(
        `Waiting for ${name} to come back with ${printable(label)}, interrupted at ${percentOf(progress)} %.`,
      );
    }
  }

  started(receiving: Receiving): void {
    const { id, peer, label } = receiving;
    const isKnown = this.#transfers.summary(id) !== undefined;
    const isRepeated = this.#transfers.hasReceived(id);
    if (isRepeated) this.#repeated.add(receiving);
    this.#transfers.started(receiving);
    this.#running.set(receiving, performance.now());
    this.#output.event('offered', { peer: peer.name, fingerprint: peer.fingerprint, transfer: id, label });
    if (!isKnown && !isRepeated) {
      this.#output.line(`${peer.name} (${shortFingerprint(peer.fingerprint)}) sends ${label}`);
    }
    this.#watch();
  }

  listed(receiving: Receiving, summary: OfferSummary): void {
    this.#transfers.listed(receiving, summary);
    // Who is asked hears of it with the question.
    if (!this.#isAsked) tellNotable(this.#output, summary);
  }

  /** What an earlier session has left goes on. */
  resumed(id: string): void {
    const summary = this.#transfers.summary(id);
    if (summary === undefined || this.#transfers.hasReceived(id)) return;
    const { peer, label, progress } = summary;
    const { bytesDone, bytesTotal } = progress;
    this.#output.event('resumed', { peer: peer.name, transfer: id, label, bytesDone, bytesTotal });
    this.#output.line(
      `Resumed ${printable(label)} from ${printable(peer.name)} at ${percentOf(progress)} %.`,
    );
  }

  entryFailed(
    receiving: Receiving,
    path: string,
    reason: Parameters<ReceiverObserver['entryFailed']>[2],
  ): void {
    this.#transfers.entryFailed(receiving, path, reason);
    this.#output.event('entry-failed', { peer: receiving.peer.name, path, reason });
    this.#output.problem(`Failed: ${printable(path)} (${reasonFor(reason)})`);
  }

  ended(receiving: Receiving, report: IncomingReport): void {
    const elapsedMs = performance.now() - (this.#running.get(receiving) ?? 0);
    this.#running.delete(receiving);
    const ending = this.#transfers.ended(receiving, report);
    this.#watch();
    const { id } = receiving;
    if (ending === 'superseded') return;
    if (ending === 'interrupted') {
      this.#interrupted(id);
      return;
    }
    const status =
      report.receipt === undefined
        ? this.#failed(receiving, report)
        : this.#received(receiving, report.receipt, report.leftOut, elapsedMs);
    if (ending === 'ended') {
      // What was said is said; the list is the business of those who look at one.
      this.#transfers.remove(id);
      this.#onEnd(status);
      return;
    }
    // The sender will be back in a moment, if it can.
    setTimeout(() => this.#onEnd(status), UNHEARD_MS).unref();
  }

  refused(remoteAddress: string, reason: Parameters<ReceiverObserver['refused']>[1]): void {
    if (!this.#refusals.passes(reason)) return;
    this.#output.event('refused', { remoteAddress, reason });
    this.#output.problem(`Turned away a sender at ${remoteAddress}: ${whyRefused(reason)}.`);
  }

  #refusedMore(reason: string, count: number): void {
    this.#output.event('refused-more', { reason, count });
    this.#output.problem(
      `Turned away ${formatCount(count, 'more sender', 'more senders')}: ${whyRefused(reason)}.`,
    );
  }

  #interrupted(id: string): void {
    const summary = this.#transfers.summary(id);
    if (summary === undefined) return;
    const { peer, label, progress, failure } = summary;
    const { bytesDone, bytesTotal } = progress;
    const name = printable(peer.name);
    const code = this.#isStopping ? 'cancelled' : (failure?.code ?? 'connection-lost');
    const origin = failure?.origin ?? 'local';
    const message = interruptionFor(code, { role: 'receiver', origin }, failure?.detail);
    const fields = { peer: name, transfer: id, label, code, message, bytesDone, bytesTotal };
    this.#output.event('interrupted', fields);
    const where = `Interrupted at ${percentOf(progress)} %: ${printable(label)} from ${name}`;
    if (this.#isStopping) this.#output.problem(`${where}. What has arrived is kept.`);
    else this.#output.problem(`${where} (${message}). Waiting for ${name} to come back.`);
  }

  #failed({ peer, label }: Receiving, { end, transfer }: IncomingReport): number {
    const isOurs = this.#isStopping && end.origin === 'local';
    const shown = isOurs ? ({ origin: 'local', close: { code: 'cancelled' } } as const) : end;
    const { code, status, sentence } = explainEnd(shown, 'receiver');
    this.#output.event('failed', { peer: peer.name, transfer, label, code, status, message: sentence });
    this.#output.problem(`${label} from ${peer.name}: ${sentence}`);
    return status;
  }

  #received(
    receiving: Receiving,
    { counts, root, names }: NonNullable<IncomingReport['receipt']>,
    leftOut: number,
    elapsedMs: number,
  ): number {
    const status = counts.failed > 0 ? statusOf('disk-error') : SUCCESS;
    const { id: transfer, peer, label } = receiving;
    if (this.#repeated.has(receiving)) {
      // All was there; its sender had not heard of it.
      this.#output.event('confirmed', { peer: peer.name, transfer, label });
      return status;
    }
    const bytesPerSecond = (counts.bytes * 1000) / elapsedMs;
    const fields = { ...counts, root, names, leftOut, milliseconds: Math.round(elapsedMs), bytesPerSecond };
    this.#output.event('received', { peer: peer.name, transfer, label, ...fields });
    const what = names.length > 0 ? names.map((name) => printable(name)).join(', ') : label;
    this.#output.line(
      `Received ${what} from ${peer.name}: ${formatCount(counts.published, 'item', 'items')}, ${formatBytes(counts.bytes)} in ${formatDuration(elapsedMs)}, verified.`,
    );
    if (counts.failed > 0) {
      this.#output.problem(`${formatCount(counts.failed, 'item', 'items')} of it did not arrive.`);
    }
    if (leftOut > 0) this.#output.line(`The sender left out ${formatCount(leftOut, 'item', 'items')}.`);
    this.#output.line(`Digest  ${root}`);
    return status;
  }

  #watch(): void {
    if (this.#isPaused) return;
    if (this.#running.size === 0) this.#output.unwatch();
    else this.#output.watch(() => sumOf([...this.#running.keys()].map((each) => this.#snapshotOf(each))));
  }

  /** Never less than an interrupted one has shown before. */
  #snapshotOf(receiving: Receiving): ProgressSnapshot {
    const snapshot = receiving.snapshot();
    return { ...snapshot, ...this.#transfers.summary(receiving.id)?.progress };
  }
}

function whyRefused(reason: string): string {
  return reason === 'invite-refused'
    ? 'its invite is wrong, used or expired'
    : 'it is not known here, or blocked';
}

/** Several transfers as one line. */
function sumOf(snapshots: readonly ProgressSnapshot[]): ProgressSnapshot | undefined {
  const [first, ...others] = snapshots;
  if (first === undefined) return undefined;
  return others.reduce(
    (sum, each) => ({
      state: sum.state === 'moving' ? sum.state : each.state,
      bytesDone: sum.bytesDone + each.bytesDone,
      bytesTotal: sum.bytesTotal + each.bytesTotal,
      entriesDone: sum.entriesDone + each.entriesDone,
      entriesTotal: sum.entriesTotal + each.entriesTotal,
      bytesPerSecond: sum.bytesPerSecond + each.bytesPerSecond,
      remainingMs:
        sum.remainingMs === undefined || each.remainingMs === undefined
          ? undefined
          : Math.max(sum.remainingMs, each.remainingMs),
    }),
    first,
  );
}
