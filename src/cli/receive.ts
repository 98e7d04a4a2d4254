import { deferred } from '../base/deferred.ts';
import { hostname } from 'node:os';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import { Receiver } from '../engine/receiver.ts';
import type { ReceiverObserver, Receiving } from '../engine/receiver.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { INVITE_LIFE_MS } from '../peers/invite.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import type { ReceiveCommand } from './arguments.ts';
import { UsageError } from './arguments.ts';
import { askConsent } from './consent.ts';
import { explainEnd, explainError, reasonFor, statusOf, SUCCESS } from './failures.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';
import { interruption } from './interruption.ts';
import { removeInvite, writeInvite } from './inviteFile.ts';
import type { Output } from './output.ts';

/** `peer-courier receive`. Returns the exit status. */
export async function receive(command: ReceiveCommand, output: Output): Promise<number> {
  if (command.accept === 'ask' && !process.stdin.isTTY) {
    throw new UsageError('--accept ask needs a terminal to ask on.');
  }
  const stop = interruption();
  const done = deferred<number>();
  stop.signal.addEventListener('abort', () => done.resolve(stop.status()));
  const transfers = new Transfers(output, (status) => {
    if (command.isOnce) done.resolve(status);
  });
  let receiver: Receiver | undefined;
  let invite: string | undefined;
  const ask = command.accept === 'ask' ? askConsent(output, transfers) : undefined;
  try {
    const acceptance = { folder: ReceiveFolder.open(command.folder), onConflict: command.onConflict };
    receiver = await Receiver.prepare({
      state: new StateFolder(command.state ?? defaultStateFolder()),
      name: hostname(),
      ...(command.host === undefined ? {} : { host: command.host }),
      port: command.port,
      async consent(peer, summary, options) {
        const isAccepted = ask === undefined || (await ask(peer, summary, options));
        return isAccepted ? acceptance : undefined;
      },
      keepsInterrupted: false,
      observer: transfers,
      logger: logTo(output),
    });
    await open(receiver, command, output, (written) => {
      invite = written;
    });
    return await done.promise;
  } catch (error) {
    const { code, status, sentence } = explainError(error, 'receiver');
    output.event('failed', { code, status, message: sentence });
    output.problem(sentence);
    return status;
  } finally {
    await receiver?.close();
    output.unwatch();
    // An invite that nobody can use any more is not left lying about.
    if (command.inviteFile !== undefined && invite !== undefined) removeInvite(command.inviteFile, invite);
  }
}

/** Listens, and hands out the invite: before the port is open, so that whoever waits for it finds both. */
async function open(
  receiver: Receiver,
  command: ReceiveCommand,
  output: Output,
  onInvite: (invite: string) => void,
): Promise<void> {
  const { inviteFile, host, port } = command;
  // A port that the system chooses is known only afterwards.
  const isPortKnown = port !== 0;
  const offerInvite = (address: Address): void => {
    if (inviteFile === undefined) return;
    const invite = receiver.createInvite(address);
    writeInvite(inviteFile, invite);
    onInvite(invite);
    output.event('invite', { file: inviteFile, secondsLeft: INVITE_LIFE_MS / 1000 });
    output.line(`Invite for one sender, good for ten minutes: ${inviteFile}`);
  };
  if (isPortKnown) offerInvite({ host: host ?? '::', port });
  const address = await receiver.listen();
  if (!isPortKnown) offerInvite(address);
  const { fingerprint } = receiver;
  const folder = command.folder;
  output.event('listening', { ...address, folder, fingerprint, name: hostname(), pid: process.pid });
  output.line(`Receiving into ${folder}`);
  output.line(
    `Listening on ${formatAddress(address)} as ${hostname()} (${shortFingerprint(fingerprint)}). Ctrl-C stops.`,
  );
}

/** Follows the transfers that run and tells of them. */
class Transfers implements ReceiverObserver {
  readonly #output: Output;
  readonly #onEnd: (status: number) => void;
  readonly #running = new Map<Receiving, number>();
  #isPaused = false;

  constructor(output: Output, onEnd: (status: number) => void) {
    this.#output = output;
    this.#onEnd = onEnd;
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

  started(receiving: Receiving): void {
    this.#running.set(receiving, performance.now());
    const { peer, label } = receiving;
    this.#output.event('offered', { peer: peer.name, fingerprint: peer.fingerprint, label });
    this.#output.line(`${peer.name} (${shortFingerprint(peer.fingerprint)}) sends ${label}`);
    this.#watch();
  }

  entryFailed(
    { peer }: Receiving,
    path: string,
    reason: Parameters<ReceiverObserver['entryFailed']>[2],
  ): void {
    this.#output.event('entry-failed', { peer: peer.name, path, reason });
    this.#output.problem(`Failed: ${printable(path)} (${reasonFor(reason)})`);
  }

  ended(receiving: Receiving, { end, receipt, transfer, leftOut }: IncomingReport): void {
    const elapsedMs = performance.now() - (this.#running.get(receiving) ?? 0);
    this.#running.delete(receiving);
    this.#watch();
    const { peer, label } = receiving;
    if (receipt === undefined) {
      const { code, status, sentence } = explainEnd(end, 'receiver');
      this.#output.event('failed', { peer: peer.name, transfer, label, code, status, message: sentence });
      this.#output.problem(`${label} from ${peer.name}: ${sentence}`);
      this.#onEnd(status);
      return;
    }
    const { counts, root, names } = receipt;
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
    this.#onEnd(counts.failed > 0 ? statusOf('disk-error') : SUCCESS);
  }

  refused(remoteAddress: string, reason: Parameters<ReceiverObserver['refused']>[1]): void {
    this.#output.event('refused', { remoteAddress, reason });
    const why = reason === 'invite-refused' ? 'its invite is wrong, used or expired' : 'it is not known here';
    this.#output.problem(`Turned away a sender at ${remoteAddress}: ${why}.`);
  }

  #watch(): void {
    if (this.#isPaused) return;
    if (this.#running.size === 0) this.#output.unwatch();
    else this.#output.watch(() => sumOf([...this.#running.keys()].map((each) => each.snapshot())));
  }
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

function logTo(output: Output): Logger {
  const log = (level: string) => (message: string) =>
    output.event('log', { level, message: printable(message) });
  return { debug: log('debug'), warn: log('warn') };
}
