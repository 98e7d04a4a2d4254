import { resolve } from 'node:path';
import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { discardReceived } from '../engine/acceptedFolder.ts';
import type { AcceptedRecord, JobRecord } from '../engine/jobFiles.ts';
import type { TransferLock } from '../engine/transferLock.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { KnownPeer } from '../node/state/knownPeers.ts';
import { formatAddress } from '../peers/address.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import { findNamed } from '../peers/namedPeer.ts';
import type { PeerPolicy, StoredPolicy } from '../peers/policy.ts';
import type { PeersCommand } from './arguments.ts';
import { commandLine, shortId } from './commandLine.ts';
import { explainError, NO_SUCH_PEER_STATUS, SUCCESS, tellFailure } from './failures.ts';
import { formatBytes, formatCount } from './format.ts';
import { leftTransfers, openState } from './leftTransfers.ts';
import type { TransferState } from './leftTransfers.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';

/** `peer-courier peers …`: who is known here, and what they may do. Returns the exit status. */
export async function peers(command: PeersCommand, output: Output): Promise<number> {
  const { action } = command;
  try {
    const state = openState(command.state, logTo(output));
    if (action.kind === 'list') return list(state, output);
    const peer = onlyOne(state, action.peer, command, output);
    if (peer === undefined) return NO_SUCH_PEER_STATUS;
    switch (action.kind) {
      case 'rename':
        rename(state, peer, action.to, output);
        break;
      case 'forget':
        await forget(state, peer, command, output);
        break;
      case 'policy':
        setPolicy(state, peer, action.policy, output);
        break;
    }
    return SUCCESS;
  } catch (error) {
    return tellFailure(explainError(error, 'receiver'), output);
  }
}

function list({ folder }: TransferState, output: Output): number {
  const all = folder.peers.list();
  for (const { fingerprint, name, addresses, policy } of all) {
    const places = addresses.map(formatAddress);
    output.event('peer', { fingerprint, name, addresses: places, policy });
    output.line(`${printable(name)}  ${[shortFingerprint(fingerprint), ...places.slice(0, 1)].join('  ')}`);
    const words = wordsFor(policy);
    if (words !== undefined) output.line(`          ${words}`);
  }
  if (all.length === 0) {
    output.line('Nobody is known here. An invite or "peer-courier pair" makes somebody known.');
  }
  return SUCCESS;
}

function rename(
  { folder }: TransferState,
  { fingerprint, name }: KnownPeer,
  to: string,
  output: Output,
): void {
  folder.peers.rename(fingerprint, to);
  output.event('renamed', { fingerprint, from: name, name: to });
  output.line(`${printable(name)} is called ${printable(to)} here now.`);
}

function setPolicy(
  { folder }: TransferState,
  { fingerprint, name }: KnownPeer,
  policy: PeerPolicy,
  output: Output,
): void {
  // Whoever names a folder now hears at once that nothing can be received into it.
  const settled =
    policy.kind === 'accept'
      ? { ...policy, folder: ReceiveFolder.open(resolve(policy.folder)).location }
      : policy;
  folder.peers.setPolicy(fingerprint, settled);
  output.event('policy', { fingerprint, name, policy: settled });
  output.line(`${printable(name)}: ${wordsFor(settled) ?? 'no rule of its own any more'}.`);
}

/** What was agreed with it, or promised to it, ends with it. */
async function forget(
  state: TransferState,
  { fingerprint, name }: KnownPeer,
  { state: location }: PeersCommand,
  output: Output,
): Promise<void> {
  state.folder.peers.forget(fingerprint);
  const unfinished = new Set(leftTransfers(state).map(({ record }) => record.id));
  const running: string[] = [];
  let discarded = 0;
  // Also what is kept in case it has not heard that all has arrived.
  for (const record of [...state.accepted.list(), ...state.jobs.list()]) {
    if (record.peer !== fingerprint) continue;
    if (!(await discardAlone(state, record, output))) running.push(record.id);
    else if (unfinished.has(record.id)) discarded += 1;
  }
  output.event('forgotten', { fingerprint, name, discarded, running });
  const more =
    discarded === 0
      ? ''
      : ` ${formatCount(discarded, 'unfinished transfer was', 'unfinished transfers were')} discarded.`;
  output.line(`${printable(name)} is not known here any more.${more}`);
  for (const id of running) {
    const discard = commandLine(['discard', shortId(id)], location);
    output.problem(`A transfer with it runs, and ends in a moment. Remove what it leaves: ${discard}`);
  }
}

/** `false` if another process runs it, which ends it as soon as it sees that its peer is gone. */
async function discardAlone(
  { locks, accepted, jobs }: TransferState,
  record: AcceptedRecord | JobRecord,
  output: Output,
): Promise<boolean> {
  let lock: TransferLock;
  try {
    lock = await locks.take(record.id);
  } catch (error) {
    if (CourierError.is(error, 'busy')) return false;
    throw error;
  }
  try {
    if ('folder' in record) {
      discardHeld(record, output);
      accepted.remove(record.id);
    } else jobs.remove(record.id);
  } finally {
    lock.release();
  }
  return true;
}

/** A folder that is not there holds nothing that could be removed now. */
function discardHeld(record: AcceptedRecord, output: Output): void {
  try {
    discardReceived(record);
  } catch {
    const where = printable(record.folder);
    output.problem(`What ${where} may still hold of a transfer: .peer-courier/${record.id}`);
  }
}

/** The only one that was meant; otherwise says why there is none. */
function onlyOne(
  { folder }: TransferState,
  text: string,
  { state }: PeersCommand,
  output: Output,
): KnownPeer | undefined {
  const [first, ...more] = findNamed(folder.peers.list(), text);
  if (first !== undefined && more.length === 0) return first;
  const all = commandLine(['peers'], state);
  const message =
    first === undefined
      ? `No known peer is called ${printable(text)}, and no fingerprint begins so. "${all}" lists them.`
      : `${more.length + 1} fingerprints begin with ${printable(text)}. Give more of it; "${all} --json" has all of it.`;
  output.event('failed', { code: 'no-such-peer', status: NO_SUCH_PEER_STATUS, message });
  output.problem(message);
  return undefined;
}

/** What a peer may do, if that was decided for it alone. */
function wordsFor(policy: StoredPolicy): string | undefined {
  switch (policy.kind) {
    case 'default':
      return undefined;
    case 'ask':
      return 'each offer is asked about';
    case 'accept':
      return `offers up to ${formatBytes(policy.upToBytes)} are received into ${printable(policy.folder)} unasked`;
    case 'block':
      return 'blocked';
    case 'unreadable':
      return 'each offer is asked about, because its rule cannot be read; set it again';
  }
}
