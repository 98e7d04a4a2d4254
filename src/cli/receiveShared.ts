import { hostname } from 'node:os';
import { CourierError } from '../base/failure.ts';
import { deferred } from '../base/deferred.ts';
import { FairShare } from '../base/fairShare.ts';
import { printable } from '../base/printable.ts';
import { Fetch } from '../engine/fetch.ts';
import { fetchSession } from '../engine/fetchSession.ts';
import { IncomingTransfers } from '../engine/incomingTransfers.ts';
import type { AcceptedRecord } from '../engine/jobFiles.ts';
import type { DialTarget } from '../engine/sender.ts';
import { BufferPool } from '../node/bufferPool.ts';
import { systemClock } from '../node/clock.ts';
import { createCompression } from '../node/codec/zlibCompression.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Address } from '../peers/address.ts';
import type { Failure } from '../rpc/model.ts';
import type { ReceiveCommand } from './arguments.ts';
import { commandLine, shortId } from './commandLine.ts';
import { interruptionFor, sentenceFor, statusOf, SUCCESS, tellFailure } from './failures.ts';
import { formatDuration } from './format.ts';
import { interruption } from './interruption.ts';
import { readInvite } from './inviteFile.ts';
import { openState } from './leftTransfers.ts';
import type { TransferState } from './leftTransfers.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { hostOf, takesAll } from './receivingHost.ts';
import type { Terms } from './receivingHost.ts';
import { ReceivingWords } from './receivingWords.ts';

/** `peer-courier receive --from-file`: dials whoever shares something, and receives that. Returns the exit status. */
export async function receiveShared(command: ReceiveCommand, output: Output): Promise<number> {
  const state = openState(command.state, logTo(output));
  const invite = readInvite(command.fromFile ?? '-', 'share');
  const { fingerprint } = await state.folder.identity();
  if (invite.fingerprint === fingerprint) {
    throw new CourierError('invite-refused', 'this invite was made by this device');
  }
  const folder = ReceiveFolder.open(command.folder);
  const { accept, onConflict, retryForMs } = command;
  return fetchAll({
    state,
    terms: { accept, onConflict, location: folder.location, open: () => folder },
    target: { kind: 'invite', invite },
    transfer: undefined,
    command: { retryForMs, state: command.state },
    output,
  });
}

/** `peer-courier resume ID` of one that another device shares. Returns the exit status. */
export function resumeReceiving(
  state: TransferState,
  { id, peer, folder, onConflict }: AcceptedRecord,
  command: FetchAllInit['command'] & { readonly to: Address | undefined },
  output: Output,
): Promise<number> {
  const fingerprint = parseFingerprint(peer);
  if (fingerprint === undefined) throw new CourierError('internal', 'a transfer without a peer');
  const addresses = command.to === undefined ? [] : [command.to];
  return fetchAll({
    state,
    // What its user has agreed to goes where it went; the record says so.
    terms: { accept: 'known', onConflict, location: folder, open: () => ReceiveFolder.open(folder) },
    target: { kind: 'peer', fingerprint, addresses },
    transfer: id,
    command,
    output,
  });
}

interface FetchAllInit {
  readonly state: TransferState;
  readonly terms: Terms;
  readonly target: DialTarget;
  /** Of the transfer, if some of it is here. */
  readonly transfer: string | undefined;
  readonly command: { readonly retryForMs: number; readonly state: string | undefined };
  readonly output: Output;
}

async function fetchAll(init: FetchAllInit): Promise<number> {
  const { state, terms, command, output } = init;
  tellLostIdentity(state.folder, output);
  const stop = interruption();
  const done = deferred<number>();
  const transfers = new IncomingTransfers(hostOf(terms, { state, output }, () => words));
  const words: ReceivingWords = new ReceivingWords(output, transfers, {
    isAsked: terms.accept === 'ask',
    onEnd: done.resolve,
  });
  const fetch = await openFetch(init, transfers, words);
  let failure: Failure | undefined;
  stop.signal.addEventListener('abort', () => {
    words.stop(true);
    fetch.stop();
  });
  if (stop.signal.aborted) fetch.stop();
  const running = fetch.run().then((ended) => {
    failure = ended;
    // One that has ended for its user has said so.
    done.resolve(
      stop.signal.aborted ? stop.status() : ended === undefined ? SUCCESS : statusOfFailure(ended),
    );
  });
  try {
    const status = await done.promise;
    fetch.stop();
    await running;
    const isKept = fetch.transfer !== undefined && words.interrupted.includes(fetch.transfer);
    if (failure !== undefined) tellEnd(failure, { isKept, output });
    if (isKept && fetch.transfer !== undefined) sayHowToGoOn(fetch.transfer, command.state, output);
    return status;
  } finally {
    output.unwatch();
  }
}

async function openFetch(
  { state, terms, target, transfer, command, output }: FetchAllInit,
  transfers: IncomingTransfers,
  words: ReceivingWords,
): Promise<Fetch> {
  const identity = await state.folder.identity();
  const compression = createCompression();
  const pool = new BufferPool();
  const memory = new FairShare();
  let where = target;
  let said = '';
  return new Fetch({
    clock: systemClock,
    transfers,
    ...(transfer === undefined ? {} : { transfer }),
    patience: () => ({ forMs: command.retryForMs }),
    session: (id, observer, { signal }) =>
      fetchSession({
        common: {
          state: state.folder,
          async consent(...offer) {
            const acceptance = await transfers.consent(...offer);
            if (acceptance?.resume === true) words.resumed(offer[1].transfer);
            return acceptance;
          },
          keepsInterrupted: true,
          observer: words,
          compression,
          pool,
          memory,
        },
        identity,
        name: hostname(),
        target: where,
        consentsAtOnce: (fingerprint) => takesAll(terms, state, fingerprint),
        transfer: id,
        observer: {
          ...observer,
          opened: ({ name, fingerprint }) => {
            observer.opened({ name, fingerprint });
            output.event('connected', { peer: name, fingerprint });
          },
          offered: (offered) => {
            observer.offered(offered);
            // From now on the name of the transfer is enough, wherever the peer was reached.
            if (where.kind === 'invite') {
              where = { kind: 'peer', fingerprint: where.invite.fingerprint, addresses: [] };
            }
          },
        },
        signal,
      }),
    waits(failure, retryInMs) {
      const { code, origin, detail } = failure;
      const message = interruptionFor(code, { role: 'receiver', origin }, printable(detail));
      output.event('waiting', { code, message, retryInMs });
      const text = `Still interrupted: ${message}. Next attempt in ${formatDuration(retryInMs)}.`;
      // While somebody is away it is the same again and again.
      if (text !== said) output.problem(text);
      said = text;
    },
  });
}

function statusOfFailure({ code }: Failure): number {
  return code === 'gone' ? statusOf('internal') : statusOf(code);
}

function tellEnd(
  failure: Failure,
  { isKept, output }: { readonly isKept: boolean; readonly output: Output },
): void {
  const code = failure.code === 'gone' ? 'internal' : failure.code;
  const view = { role: 'receiver', origin: failure.origin, isKept, isFetching: true } as const;
  const sentence = sentenceFor(code, view, printable(failure.detail));
  tellFailure({ code, status: statusOf(code), sentence }, output);
}

function sayHowToGoOn(id: string, state: string | undefined, output: Output): void {
  output.problem(`Go on:   ${commandLine(['resume', shortId(id)], state)}`);
  output.problem(`Give up: ${commandLine(['discard', shortId(id)], state)}`);
}
