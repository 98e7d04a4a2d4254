import { hostname } from 'node:os';
import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { sendPaths } from '../engine/sender.ts';
import type { SendObserver, Target } from '../engine/sender.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { SendCommand } from './arguments.ts';
import { explainEnd, explainError, partialStatus, reasonFor, SUCCESS } from './failures.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from './format.ts';
import { interruption } from './interruption.ts';
import { readInvite } from './inviteFile.ts';
import type { Output } from './output.ts';

/** How many things that were left out, or failed, are named one by one. */
const MOST_NAMED = 20;

/** `peer-courier send`. Returns the exit status. */
export async function send(command: SendCommand, output: Output): Promise<number> {
  const stop = interruption();
  const startedAt = performance.now();
  try {
    const report = await sendPaths({
      state: new StateFolder(command.state ?? defaultStateFolder()),
      paths: command.paths,
      target: targetOf(command),
      name: hostname(),
      observer: observe(output),
      signal: stop.signal,
    });
    output.unwatch();
    return conclude(
      report,
      output,
      performance.now() - startedAt,
      stop.signal.aborted ? stop.status() : undefined,
    );
  } catch (error) {
    output.unwatch();
    const { code, status, sentence } = explainError(error, 'sender');
    output.event('failed', { code, status, message: sentence });
    output.problem(sentence);
    return stop.signal.aborted ? stop.status() : status;
  }
}

function targetOf({ inviteFile, to }: SendCommand): Target {
  if (inviteFile !== undefined) return { kind: 'invite', invite: readInvite(inviteFile) };
  if (to !== undefined) return { kind: 'known', to };
  throw new CourierError('internal', 'no target');
}

function observe(output: Output): SendObserver {
  const named = { count: 0 };
  const name = (text: string): void => {
    named.count += 1;
    if (named.count <= MOST_NAMED) output.problem(text);
    else if (named.count === MOST_NAMED + 1) output.problem('… and more; --json names all of them.');
  };
  return {
    started: (sending) => output.watch(() => sending.snapshot()),
    connected({ name: peer, fingerprint, address }) {
      output.event('connected', { peer, fingerprint, address });
      output.line(`Connected to ${peer} (${shortFingerprint(fingerprint)}) at ${address}.`);
    },
    leftOut(path, reason) {
      output.event('left-out', { path, reason });
      name(`Left out: ${printable(path)} (${reasonFor(reason)})`);
    },
    entryFailed(path, reason) {
      output.event('entry-failed', { path, reason });
      name(`Failed: ${printable(path)} (${reasonFor(reason)})`);
    },
    skipped(path) {
      output.event('skipped', { path });
      name(`Skipped: ${printable(path)} (the receiver has one of that name)`);
    },
  };
}

function conclude(
  report: OutgoingReport,
  output: Output,
  elapsedMs: number,
  interrupted: number | undefined,
): number {
  const { end, receipt, failures } = report;
  if (receipt === undefined) {
    const { code, status, sentence } = explainEnd(end, 'sender');
    output.event('failed', { code, status: interrupted ?? status, message: sentence });
    output.problem(sentence);
    return interrupted ?? status;
  }
  const { root, counts } = receipt;
  const status = failures.size === 0 ? SUCCESS : partialStatus(failures.keys());
  const bytesPerSecond = (counts.bytes * 1000) / elapsedMs;
  const leftOut = report.skippedSpecials;
  output.event('sent', {
    root,
    ...counts,
    leftOut,
    milliseconds: Math.round(elapsedMs),
    bytesPerSecond,
    status,
  });
  output.line(
    `Sent ${formatCount(counts.published, 'item', 'items')}, ${formatBytes(counts.bytes)} in ${formatDuration(elapsedMs)} (${formatRate(bytesPerSecond)}); verified and published by the receiver.`,
  );
  const rest = [
    [counts.same, 'already there'],
    [counts.skipped, 'skipped, because the name is taken'],
    [leftOut, 'left out (links and special files)'],
  ] as const;
  for (const [count, what] of rest) {
    if (count > 0) output.line(`${formatCount(count, 'item', 'items')} ${what}.`);
  }
  output.line(`Digest  ${root}`);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  if (failed > 0) {
    const reasons = [...failures]
      .map(([reason, count]) => `${count} because ${reasonFor(reason)}`)
      .join(', ');
    output.problem(
      `${formatCount(failed, 'item', 'items')} did not arrive: ${reasons}. The rest is complete.`,
    );
  }
  return status;
}
