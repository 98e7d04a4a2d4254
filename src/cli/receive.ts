import { deferred } from '../base/deferred.ts';
import { hostname } from 'node:os';
import { printable } from '../base/printable.ts';
import { IncomingTransfers } from '../engine/incomingTransfers.ts';
import { Receiver } from '../engine/receiver.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { INVITE_LIFE_MS } from '../peers/invite.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import { announce } from './announce.ts';
import type { ReceiveCommand } from './arguments.ts';
import { UsageError } from './argumentValues.ts';
import { commandLine, shortId } from './commandLine.ts';
import { explainError, tellFailure } from './failures.ts';
import { interruption } from './interruption.ts';
import { removeInvite, writeInvite } from './inviteFile.ts';
import { openState } from './leftTransfers.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { hostOf, takesAll } from './receivingHost.ts';
import { receiveShared } from './receiveShared.ts';
import { ReceivingWords } from './receivingWords.ts';

/** `peer-courier receive`. Returns the exit status. */
export async function receive(command: ReceiveCommand, output: Output): Promise<number> {
  if (command.accept === 'ask' && !process.stdin.isTTY) {
    throw new UsageError('--accept ask needs a terminal to ask on.');
  }
  if (command.fromFile !== undefined) {
    try {
      return await receiveShared(command, output);
    } catch (error) {
      return tellFailure(explainError(error, 'receiver', { isFetching: true }), output);
    }
  }
  const stop = interruption();
  const done = deferred<number>();
  stop.signal.addEventListener('abort', () => done.resolve(stop.status()));
  let receiver: Receiver | undefined;
  let words: ReceivingWords | undefined;
  let address: Address | undefined;
  let invite: string | undefined;
  let withdraw: (() => Promise<void>) | undefined;
  try {
    const state = openState(command.state, logTo(output));
    tellLostIdentity(state.folder, output);
    const folder = ReceiveFolder.open(command.folder);
    const { accept, onConflict } = command;
    const terms = { accept, onConflict, location: folder.location, open: () => folder };
    const transfers = new IncomingTransfers(hostOf(terms, { state, output }, () => words));
    const said = new ReceivingWords(output, transfers, {
      isAsked: command.accept === 'ask',
      onEnd: (status) => {
        if (command.isOnce) done.resolve(status);
      },
    });
    words = said;
    receiver = await Receiver.prepare({
      state: state.folder,
      name: hostname(),
      ...(command.host === undefined ? {} : { host: command.host }),
      port: command.port,
      async consent(...offer) {
        const acceptance = await transfers.consent(...offer);
        if (acceptance?.resume === true) said.resumed(offer[1].transfer);
        return acceptance;
      },
      keepsInterrupted: true,
      consentsAtOnce: (fingerprint) => takesAll(command, state, fingerprint),
      observer: said,
      logger: logTo(output),
    });
    address = await open(receiver, command, output, (written) => {
      invite = written;
    });
    if (!command.isHidden) withdraw = await announce(address, output);
    said.waiting();
    return await done.promise;
  } catch (error) {
    return tellFailure(explainError(error, 'receiver'), output);
  } finally {
    words?.stop(stop.signal.aborted);
    await withdraw?.();
    await receiver?.close();
    output.unwatch();
    // An invite that nobody can use any more is not left lying about.
    if (command.inviteFile !== undefined && invite !== undefined) removeInvite(command.inviteFile, invite);
    if (address !== undefined) sayHowToGoOn(command, address, words?.interrupted ?? [], output);
  }
}

/** Listens, and hands out the invite: before the port is open, so that whoever waits for it finds both. */
async function open(
  receiver: Receiver,
  command: ReceiveCommand,
  output: Output,
  onInvite: (invite: string) => void,
): Promise<Address> {
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
  return address;
}

/** Of what is not finished: how it goes on, at the same address, and how to give it up. */
function sayHowToGoOn(
  { folder, host, state }: ReceiveCommand,
  { port }: Address,
  interrupted: readonly string[],
  output: Output,
): void {
  if (interrupted.length === 0) return;
  const where = [
    ...(host === undefined ? [] : ['--host', host]),
    ...(port === DEFAULT_PORT ? [] : ['--port', String(port)]),
  ];
  output.problem(`Go on:   ${printable(commandLine(['receive', '--folder', folder, ...where], state))}`);
  for (const id of interrupted) output.problem(`Give up: ${commandLine(['discard', shortId(id)], state)}`);
}
