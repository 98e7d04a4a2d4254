import { LinePace } from '../base/linePace.ts';
import { printable } from '../base/printable.ts';
import type { SendObserver } from '../engine/sender.ts';
import { backgroundClock } from '../node/clock.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { Progress, TransferSummary } from '../rpc/model.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import { interruptionFor, partialStatus, reasonFor, SUCCESS } from './failures.ts';
import { formatBytes, formatCount, formatDuration, formatRate, percentOf } from './format.ts';
import type { Output } from './output.ts';

/** How many things that were left out, or failed, are named one by one. */
const MOST_NAMED = 20;
/** What is named again after an interruption is not said again, as far as it is remembered. */
const MOST_REMEMBERED = 10_000;

/** What is said of one outgoing transfer, over all its sessions. */
export class SendingWords {
  // Immutable.
  readonly #output: Output;
  readonly #startedAt = performance.now();
  /** What earlier processes have moved. */
  readonly #bytesBefore: number;
  /** Whoever is away is dialled twice a second; that is not told as often. */
  readonly #interruptions = new LinePace(backgroundClock, () => undefined);

  // Mutable.
  #named = 0;
  readonly #said = new Set<string>();
  /** It has been under way before, in this process or another one. */
  #hasStarted: boolean;
  #isInterrupted: boolean;
  #address = '';
  #toldReason = '';
  #toldAtMs: number | undefined;

  constructor(
    output: Output,
    { isResumed, bytesBefore }: { readonly isResumed: boolean; readonly bytesBefore: number },
  ) {
    this.#output = output;
    this.#bytesBefore = bytesBefore;
    this.#hasStarted = isResumed;
    this.#isInterrupted = isResumed;
  }

  /** A session is about to begin. */
  attempt(): void {
    this.#toldAtMs = undefined;
  }

  connected({ name: peer, fingerprint, address }: Parameters<SendObserver['connected']>[0]): void {
    this.#output.event('connected', { peer, fingerprint, address });
    if (address !== this.#address) {
      this.#output.line(`Connected to ${peer} (${shortFingerprint(fingerprint)}) at ${address}.`);
    }
    this.#address = address;
  }

  observer(summary: () => TransferSummary): Omit<SendObserver, 'connected'> {
    return {
      started: (sending) =>
        this.#output.watch(() => ({ ...summary().progress, state: sending.snapshot().state })),
      accepted: () => this.#accepted(summary()),
      leftOut: (path, reason) => {
        if (!this.#isNews('left-out', path)) return;
        this.#output.event('left-out', { path, reason });
        this.#name(`Left out: ${printable(path)} (${reasonFor(reason)})`);
      },
      entryFailed: (path, reason) => {
        if (!this.#isNews('entry-failed', path)) return;
        this.#output.event('entry-failed', { path, reason });
        this.#name(`Failed: ${printable(path)} (${reasonFor(reason)})`);
      },
      skipped: (path) => {
        if (!this.#isNews('skipped', path)) return;
        this.#output.event('skipped', { path });
        this.#name(`Skipped: ${printable(path)} (the receiver has one of that name)`);
      },
    };
  }

  /** Says why it waits, and how long, once for each wait; people hear it when it is something new. */
  changed({ id, phase, failure, retryAtMs, progress }: TransferSummary): void {
    if (phase !== 'interrupted' || failure === undefined || retryAtMs === undefined) return;
    if (this.#toldAtMs === retryAtMs) return;
    this.#toldAtMs = retryAtMs;
    const reason = interruptionFor(failure.code, { role: 'sender', origin: failure.origin }, failure.detail);
    const retryInMs = Math.max(0, retryAtMs - Date.now());
    const { bytesDone, bytesTotal } = progress;
    const { code } = failure;
    if (this.#interruptions.passes(code)) {
      this.#output.event('interrupted', {
        transfer: id,
        code,
        message: reason,
        retryInMs,
        bytesDone,
        bytesTotal,
      });
    }
    const next = `Next attempt in ${formatDuration(retryInMs)}.`;
    const what = this.#isInterrupted ? 'Still interrupted' : `Interrupted at ${percentOf(progress)} %`;
    const text = `${what}: ${reason}. ${next}`;
    // At the longest wait it is the same again and again.
    if (text !== this.#toldReason) this.#output.problem(text);
    this.#toldReason = text;
    this.#isInterrupted = true;
  }

  /** Everything has arrived that could. Returns the exit status. */
  sent(transfer: string, { receipt, failures, skippedSpecials: leftOut }: OutgoingReport): number {
    if (receipt === undefined) return partialStatus(failures.keys());
    const { root, counts } = receipt;
    const elapsedMs = performance.now() - this.#startedAt;
    const status = failures.size === 0 ? SUCCESS : partialStatus(failures.keys());
    const bytesPerSecond = (Math.max(0, counts.bytes - this.#bytesBefore) * 1000) / elapsedMs;
    const milliseconds = Math.round(elapsedMs);
    this.#output.event('sent', { transfer, root, ...counts, leftOut, milliseconds, bytesPerSecond, status });
    this.#output.line(
      `Sent ${formatCount(counts.published, 'item', 'items')}, ${formatBytes(counts.bytes)} in ${formatDuration(elapsedMs)} (${formatRate(bytesPerSecond)}); verified and published by the receiver.`,
    );
    const rest = [
      [counts.same, 'already there'],
      [counts.skipped, 'skipped, because the name is taken'],
      [leftOut, 'left out (links and special files)'],
    ] as const;
    for (const [count, what] of rest) {
      if (count > 0) this.#output.line(`${formatCount(count, 'item', 'items')} ${what}.`);
    }
    this.#output.line(`Digest  ${root}`);
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    if (failed > 0) {
      const reasons = [...failures]
        .map(([reason, count]) => `${count} because ${reasonFor(reason)}`)
        .join(', ');
      this.#output.problem(
        `${formatCount(failed, 'item', 'items')} did not arrive: ${reasons}. The rest is complete.`,
      );
    }
    return status;
  }

  #accepted({ id, progress }: { readonly id: string; readonly progress: Progress }): void {
    const { bytesDone, bytesTotal } = progress;
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      return;
    }
    this.#isInterrupted = false;
    this.#toldReason = '';
    this.#output.event('resumed', { transfer: id, bytesDone, bytesTotal });
    this.#output.line(`Resumed at ${percentOf(progress)} %.`);
  }

  #isNews(kind: string, path: string): boolean {
    const key = `${kind} ${path}`;
    if (this.#said.has(key)) return false;
    if (this.#said.size < MOST_REMEMBERED) this.#said.add(key);
    return true;
  }

  #name(text: string): void {
    this.#named += 1;
    if (this.#named <= MOST_NAMED) this.#output.problem(text);
    else if (this.#named === MOST_NAMED + 1) this.#output.problem('… and more; --json names all of them.');
  }
}
