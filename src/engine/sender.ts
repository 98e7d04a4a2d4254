import { randomBytes } from 'node:crypto';
import { realpathSync, rmSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { CourierError } from '../base/failure.ts';
import type { SessionFailure } from '../base/failure.ts';
import { FairShare } from '../base/fairShare.ts';
import { printable } from '../base/printable.ts';
import { BufferPool } from '../node/bufferPool.ts';
import { systemClock } from '../node/clock.ts';
import { createCompression } from '../node/codec/zlibCompression.ts';
import { FileSource } from '../node/disk/fileSource.ts';
import { announcedPlaces } from '../node/discovery/lookFor.ts';
import { PageFiles } from '../node/disk/pageFiles.ts';
import type { OmissionOptions } from '../node/disk/omissions.ts';
import type { Root } from '../node/disk/walk.ts';
import { nodeHashing } from '../node/hashing.ts';
import type { Identity } from '../node/identity/identity.ts';
import { dial } from '../node/net/dial.ts';
import { TransferLimit } from '../node/net/rateLimitedChannel.ts';
import type { RateLimiter } from '../node/net/rateLimiter.ts';
import type { DialInit, Dialled } from '../node/net/dial.ts';
import { stateFailure } from '../node/state/stateFile.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import type { Purpose, SecuredPeer } from '../node/net/tlsOptions.ts';
import { distinctAddresses, formatAddress, isLoopback, parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { wrongIdentity } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { inviteName, inviteProof } from '../peers/invite.ts';
import { findNamed } from '../peers/namedPeer.ts';
import type { Invite, InviteKind } from '../peers/invite.ts';
import { LaneKey } from '../peers/laneKey.ts';
import { limits } from '../protocol/limits.ts';
import type { Hello } from '../protocol/messages.ts';
import { SenderSession } from '../protocol/senderSession.ts';
import { collisionKey, parseSafePath } from '../protocol/wirePath.ts';
import { OutgoingTransfer } from '../transfer/outgoingTransfer.ts';
import type { OutgoingObserver, OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { Channel, Compression } from '../transfer/ports.ts';
import type { LaneDialler } from '../transfer/sendingLanes.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import { greeting } from './greeting.ts';
import { requireNotBlocked, requirePartner } from './notBlocked.ts';
import type { StateFolder } from './stateFolder.ts';

/** Whom to send to. */
export type Target =
  | { readonly kind: 'invite'; readonly invite: Invite }
  /** A known peer's name, or the address of one: `HOST:PORT`. */
  | { readonly kind: 'known'; readonly to: string }
  /** One peer and no other: at `addresses` if any are given, or where it was before, or where it is announced. */
  | { readonly kind: 'peer'; readonly fingerprint: Fingerprint; readonly addresses: readonly Address[] }
  /** The peer has dialled us, and is let in. */
  | { readonly kind: 'arrival'; readonly arrival: Arrival };

/** A peer that has dialled us to receive what this device shares. */
export interface Arrival {
  readonly fingerprint: Fingerprint;
  readonly address: string;
  /** Has heard the peer's hello, and not answered it. */
  readonly session: SenderSession;
  /** What comes after that hello. */
  readonly channel: Channel;
  /** Whether this connection goes on if the two devices have dialled each other. */
  readonly isPreferred: boolean;
  /** Ends it before a transfer has taken it. */
  refuse(code: SessionFailure): void;
}

/** What several transfers share. */
export interface SendingMemory {
  readonly pool: BufferPool;
  readonly share: FairShare;
}

export interface SendInit {
  readonly state: StateFolder;
  readonly paths: readonly string[];
  readonly target: Target;
  /** What this device calls itself. */
  readonly name: string;
  /** The id of an interrupted transfer that is offered again, 32 hexadecimal digits; absent, it is a new one. */
  readonly transfer?: string;
  readonly observer: SendObserver;
  readonly compression?: Compression;
  /** What is to be left out; absent, nothing is. */
  readonly omit?: OmissionOptions;
  /** Paces what is sent, together with all else that shares it. */
  readonly limiter?: RateLimiter;
  /** Shared by all that is sent from this process; absent, this is all. */
  readonly memory?: SendingMemory;
  /** Connections that the transfer may use, at least 1; absent, as many as help. */
  readonly mostLanes?: number;
  readonly signal: AbortSignal;
}

export interface SendObserver extends Omit<OutgoingObserver, 'opened'> {
  /** The peer is who it should be and lets us in. */
  connected(peer: {
    readonly name: string;
    readonly fingerprint: Fingerprint;
    readonly address: string;
  }): void;
  /** From now on there is progress to look at. */
  started(sending: SendHandle): void;
}

/** One outgoing transfer, as long as it runs. */
export interface SendHandle {
  /** The transfer's id. */
  readonly id: string;
  snapshot(): ProgressSnapshot;
  /** Holds it, on this side, until `resume`. */
  pause(): void;
  resume(): void;
  /** Gives it up for good: the receiver keeps nothing. */
  cancel(): void;
  /** Ends the session because we must go; the receiver may keep what it has until it is offered again. */
  interrupt(): void;
}

/**
 * Sends files and folders to one peer. Resolves when the session has ended, however it did; rejects with
 * a {@link CourierError} when it could not even begin.
 */
export async function sendPaths(init: SendInit): Promise<OutgoingReport> {
  try {
    return await sendRoots(init, findRoots(init.paths));
  } catch (error) {
    // Whoever waits at the other end learns no more than that: the error may name files of this machine.
    if (init.target.kind === 'arrival') init.target.arrival.refuse('internal');
    throw error;
  }
}

async function sendRoots(init: SendInit, roots: readonly Root[]): Promise<OutgoingReport> {
  const { pool, share } = init.memory ?? { pool: new BufferPool(), share: new FairShare() };
  const transferId = init.transfer ?? toHex(randomBytes(16));
  init.state.sweep();
  const pagesFolder = init.state.outgoingFolder(transferId);
  let unwatch: (() => void) | undefined;
  try {
    const pages = openPages(pagesFolder);
    const limit = init.limiter === undefined ? undefined : new TransferLimit(init.limiter);
    const limited = (channel: Channel): Channel => limit?.over(channel) ?? channel;
    const line = await openLine(init, limited);
    const transfer: OutgoingTransfer = new OutgoingTransfer({
      session: line.session,
      channel: limited(line.channel),
      clock: systemClock,
      hashing: nodeHashing,
      compression: compressionOf(init),
      source: new FileSource(roots, (length) => pool.allocate(length), init.omit),
      recycle: (chunk) => pool.recycle(chunk),
      memory: share,
      pages,
      ...(line.lanes === undefined ? {} : { lanes: line.lanes }),
      transfer: transferId,
      label: labelOf(roots),
      observer: {
        ...init.observer,
        opened(name) {
          welcome(init, line, name);
          unwatch = init.state.trust.watch(line.fingerprint, interrupt);
        },
      },
    });
    const cancel = (): void => {
      transfer.cancel();
      limit?.release();
    };
    const interrupt = (): void => {
      transfer.interrupt();
      limit?.release();
    };
    init.signal.addEventListener('abort', cancel);
    if (init.signal.aborted) cancel();
    init.observer.started({
      id: transferId,
      snapshot: () => transfer.snapshot(),
      pause: () => transfer.pause(),
      resume: () => transfer.resume(),
      cancel,
      interrupt,
    });
    return await transfer.run();
  } finally {
    unwatch?.();
    rmSync(pagesFolder, { recursive: true, force: true });
  }
}

/** The first connection of a session, whoever has dialled. */
interface Line {
  readonly fingerprint: Fingerprint;
  /** Where the peer is, for people. */
  readonly address: string;
  /** Where it can be dialled again; empty if it has dialled us. */
  readonly dialled: readonly Address[];
  readonly session: SenderSession;
  readonly channel: Channel;
  /** Absent: there is no other. */
  readonly lanes?: LaneDialler;
}

async function openLine(init: SendInit, limited: (channel: Channel) => Channel): Promise<Line> {
  const { target } = init;
  // Only who dials opens further lanes: whoever comes to us may be where nobody can be dialled.
  if (target.kind === 'arrival') return { ...target.arrival, dialled: [] };
  const identity = await init.state.identity();
  const connection = await reach(init, target, identity);
  const { fingerprint, address, channel } = connection;
  const proof = proofOf(target, identity, connection);
  return {
    fingerprint,
    address: formatAddress(address),
    dialled: [address],
    session: new SenderSession({
      isDialler: true,
      hello: greeting('sender', init.name, compressionOf(init), { proof }),
      now: systemClock.now(),
    }),
    channel,
    lanes: laneDialler(init, identity, connection, limited),
  };
}

/** On a path of 20 ms, a few round trips at a hundred megabytes a second. */
const BYTES_WORTH_LANES = 4 * 1024 * 1024;

/** Further connections of the same session: to the same address, and to the same key only. */
function laneDialler(
  { mostLanes = limits.lanes }: SendInit,
  identity: Identity,
  { address, fingerprint, exporter, roundTripMs }: Dialled,
  limited: (channel: Channel) => Channel,
): LaneDialler {
  const key = new LaneKey(nodeHashing, exporter);
  return {
    most: mostLanes,
    roundTripMs,
    leastBytes: BYTES_WORTH_LANES,
    async dial(lane, { signal }) {
      const connection = await dial({
        identity,
        purpose: 'lane',
        addresses: [address],
        checkPeer: (peer) => requireKey(peer, fingerprint),
        signal,
      });
      return { channel: limited(connection.channel), join: key.join(lane, connection.exporter) };
    },
  };
}

function openPages(folder: string): PageFiles {
  try {
    // An earlier attempt may have left its own there.
    rmSync(folder, { recursive: true, force: true });
    return new PageFiles(folder);
  } catch (error) {
    throw stateFailure(folder, error);
  }
}

/** What the paths name. A path that is itself a link is followed: whoever typed it meant what it leads to. */
export function findRoots(paths: readonly string[]): readonly Root[] {
  const roots = paths.map((path) => {
    const absolute = resolve(path);
    try {
      statSync(absolute);
      return { location: realpathSync(absolute), name: basename(absolute) };
    } catch (cause) {
      throw new CourierError('source-missing', printable(path), { cause });
    }
  });
  const keys = new Set<string>();
  for (const { name, location } of roots) {
    const parsed = parseSafePath(name);
    if ('refusal' in parsed) {
      // The root of a file system has no name at all.
      throw new CourierError(
        'name-refused',
        `${printable(name === '' ? location : name)}: ${parsed.refusal}`,
      );
    }
    const key = collisionKey(name);
    if (keys.has(key)) throw new CourierError('name-refused', `${printable(name)}: it is there twice`);
    keys.add(key);
  }
  return roots;
}

/** What is sent, in words. */
export function labelOf(roots: readonly Root[]): string {
  const [first] = roots;
  const name = first?.name ?? '';
  return roots.length === 1 ? name : `${name} and ${roots.length - 1} more`;
}

/** A target that has to be dialled. */
export type DialTarget = Exclude<Target, { kind: 'arrival' }>;

/** Dials a target; whoever answers is who is meant, and not this device. */
export async function reach(
  { state, signal }: Pick<SendInit, 'state' | 'signal'>,
  target: DialTarget,
  identity: Identity,
  purpose: Purpose = 'session',
): Promise<Dialled> {
  const { checkPeer, ...route } = routeTo(state, target);
  return dial({
    identity,
    purpose,
    ...route,
    checkPeer(peer, address) {
      // An address of the other machine's may mean ourselves here: each has its own 172.17.0.1.
      if (peer.fingerprint === identity.fingerprint) throw ourselves(address);
      checkPeer(peer, address);
    },
    signal,
  });
}

type Route = Pick<DialInit, 'addresses' | 'more' | 'nowhere' | 'checkPeer'>;

function routeTo(state: StateFolder, target: DialTarget): Route {
  switch (target.kind) {
    case 'invite':
      requireNotBlocked(state, target.invite.fingerprint);
      return byInvite(target.invite);
    case 'known':
      return byKnownPeer(state, target.to);
    case 'peer':
      return byFingerprint(state, target.fingerprint, target.addresses);
  }
}

function byInvite({ addresses, fingerprint }: Invite): Route {
  return { addresses, checkPeer: (peer) => requireKey(peer, fingerprint) };
}

/**
 * Another key where the peer was last reached, or is said to be, is a loud stop. The other addresses are what the peer has said of
 * itself, or long ago, or what anybody announces: whoever answers there now is only not the one.
 */
function byFingerprint(state: StateFolder, fingerprint: Fingerprint, given: readonly Address[]): Route {
  const peer = requirePartner(state, fingerprint);
  const addresses = distinctAddresses(given.length > 0 ? given : peer.addresses);
  const [first] = addresses;
  // A peer that has always been on this very machine has not gone to another one.
  const isHere = first !== undefined && addresses.every(({ host }) => isLoopback(host));
  return {
    addresses,
    ...(given.length > 0 || isHere ? {} : { more: announcedPlaces }),
    nowhere: `${printable(peer.name)} is not found on this network, and no address of it is known`,
    checkPeer(found, address) {
      if (address === first) requireKey(found, fingerprint);
      else if (found.fingerprint !== fingerprint) throw elsewhere(address);
    },
  };
}

/** Whoever answers at an address is not the one who is looked for. */
export function elsewhere(address: Address): CourierError {
  return new CourierError('unreachable', `another device answers at ${formatAddress(address)}`);
}

/** An address leads back to this device. */
export function ourselves(address: Address): CourierError {
  return new CourierError('unreachable', `this device itself answers at ${formatAddress(address)}`);
}

function byKnownPeer(state: StateFolder, to: string): Route {
  const [named, ...more] = findNamed(state.peers.list(), to);
  if (more.length > 0) throw new CourierError('not-paired', `several begin with ${printable(to)}`);
  if (named !== undefined) return byFingerprint(state, named.fingerprint, []);
  const address = parseAddress(to, DEFAULT_PORT);
  if (address === undefined) throw new CourierError('not-paired', printable(to));
  return {
    addresses: [address],
    checkPeer(peer) {
      requirePinned(state, address, peer);
      if (state.peers.find(peer.fingerprint) === undefined) {
        throw new CourierError('not-paired', printable(to));
      }
      requireNotBlocked(state, peer.fingerprint);
    },
  };
}

/** Somebody we trust was last reached at an address: another key in its place is a loud stop. */
export function requirePinned(state: StateFolder, address: Address, peer: SecuredPeer): void {
  const place = formatAddress(address);
  const pinned = state.peers
    .list()
    .filter(
      ({ addresses, policy }) =>
        policy.kind !== 'block' && addresses.some((each) => formatAddress(each) === place),
    );
  const [expected] = pinned;
  if (expected === undefined || pinned.some(({ fingerprint }) => fingerprint === peer.fingerprint)) return;
  requireKey(peer, expected.fingerprint);
}

function requireKey(peer: SecuredPeer, fingerprint: Fingerprint): void {
  if (peer.fingerprint === fingerprint) return;
  throw wrongIdentity(fingerprint, peer.fingerprint);
}

/** What a dialler shows of an invite; `undefined` if it comes without one. */
export function proofOf(
  target: DialTarget,
  identity: Identity,
  { exporter, fingerprint }: SecuredPeer,
  kind: InviteKind = 'receive',
): Hello['proof'] {
  if (target.kind !== 'invite') return undefined;
  const { id, token } = target.invite;
  const parties = { token, exporter, dialler: identity.fingerprint, listener: fingerprint };
  return { invite: inviteName(id), mac: toHex(inviteProof(nodeHashing, parties, kind)) };
}

/** The peer let us in: it is pinned, and where it was reached, or said it can be, is worth remembering. */
function welcome(
  { state, target, observer }: SendInit,
  { fingerprint, address, dialled }: Line,
  name: string,
): void {
  const hints = target.kind === 'invite' ? target.invite.addresses : [];
  const addresses = [...dialled, ...hints];
  // Only an invite makes somebody known: a peer that was forgotten while we dialled stays forgotten.
  if (target.kind === 'invite') state.peers.remember({ fingerprint, name: printable(name, 64), addresses });
  else state.peers.reached(fingerprint, addresses);
  const known = state.peers.find(fingerprint)?.name ?? name;
  observer.connected({ name: known, fingerprint, address });
}

function compressionOf(init: SendInit): Compression {
  return init.compression ?? defaultCompression;
}

const defaultCompression = createCompression();
