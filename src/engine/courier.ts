import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { CourierError } from '../base/failure.ts';
import { FairShare } from '../base/fairShare.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import type { RemoteKind } from '../doctor/facts.ts';
import type { Examination } from '../doctor/report.ts';
import { BufferPool } from '../node/bufferPool.ts';
import { systemClock } from '../node/clock.ts';
import { noCompression } from '../node/codec/noCompression.ts';
import { createCompression } from '../node/codec/zlibCompression.ts';
import { preview } from '../node/disk/preview.ts';
import type { NamedCount } from '../node/disk/preview.ts';
import { nodeHashing } from '../node/hashing.ts';
import type { Identity } from '../node/identity/identity.ts';
import { RateLimiter } from '../node/net/rateLimiter.ts';
import { formatAddress, parseAddress } from '../peers/address.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { INVITE_LIFE_MS, parseInvite } from '../peers/invite.ts';
import type {
  Device,
  EngineSettings,
  EngineState,
  OfferDetails,
  PeerSummary,
  PreviewSummary,
  ReceiverStatus,
  SendOptions,
  SharedSummary,
  StateChange,
} from '../rpc/model.ts';
import type { Compression } from '../transfer/ports.ts';
import { Fetches } from './fetches.ts';
import { Gone } from './gone.ts';
import { HistoryFile } from './historyFile.ts';
import type { Choice } from './incoming.ts';
import { IncomingTransfers } from './incomingTransfers.ts';
import { RecordFiles } from './jobFiles.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { JobRecord } from './jobFiles.ts';
import { OutgoingTransfers } from './outgoingTransfers.ts';
import type { SendOrder } from './outgoingTransfers.ts';
import type { Compare } from './comparison.ts';
import { examine } from './doctor.ts';
import type { OwnReceiver } from './doctor.ts';
import type { DoctorTarget } from './doctorPeer.ts';
import { lookUp, pairByInvite } from './pairing.ts';
import { PairingDesk } from './pairingDesk.ts';
import { knownBy, PeerBook } from './peerBook.ts';
import { ReceiverNote } from './receiverNote.ts';
import { ReceiverSwitch } from './receiverSwitch.ts';
import { findRoots, sendPaths } from './sender.ts';
import type { Target } from './sender.ts';
import { createShareInvite, ShareDesk } from './shareDesk.ts';
import { StateFolder } from './stateFolder.ts';
import { requirePartner } from './notBlocked.ts';
import { folderFor, UnaskedConsent } from './unaskedConsent.ts';

export interface CourierInit {
  /** The engine's folder; everything it keeps lies in it. */
  readonly storage: string;
  readonly settings: EngineSettings;
  readonly logger: Logger;
  /** Sections of the state that are not what they were. */
  readonly onChange: (section: keyof EngineState) => void;
  /** An offer waits for its user. */
  readonly onOffer: (id: string) => void;
  /** Absolute paths of the folders that are open in some window. */
  readonly workspaceFolders: () => readonly string[];
}

/**
 * What one device does: its receiver, its transfers, its known peers, its history. One instance for all
 * windows of a user; knows nothing of windows but the folders they have open. It is long because it is the one door:
 * it composes the parts, and hands each order to the one that carries it out.
 */
export class Courier {
  // Immutable.
  readonly #init: CourierInit;
  readonly #state: StateFolder;
  readonly #history: HistoryFile;
  readonly #incoming: IncomingTransfers;
  readonly #outgoing: OutgoingTransfers;
  readonly #receiver: ReceiverSwitch;
  readonly #note: ReceiverNote;
  readonly #limiter = new RateLimiter(systemClock);
  readonly #memory = { pool: new BufferPool(), share: new FairShare() };
  readonly #allCodecs = createCompression();
  readonly #unasked: UnaskedConsent;
  readonly #desk: PairingDesk;
  readonly #neighbourhood: Neighbourhood;
  readonly #book: PeerBook;
  readonly #shares: ShareDesk;
  readonly #fetches: Fetches;
  /** What all that is fetched shares. */
  readonly #fetching = { pool: new BufferPool(), memory: new FairShare() };

  // Mutable.
  #settings: EngineSettings;
  #identity: Identity | undefined;

  constructor(init: CourierInit) {
    const { storage, logger } = init;
    this.#init = init;
    this.#settings = init.settings;
    this.#state = new StateFolder(storage, () => Promise.resolve(this.#needIdentity()));
    this.#desk = new PairingDesk(this.#state);
    this.#neighbourhood = new Neighbourhood({
      state: this.#state,
      logger,
      onChange: () => init.onChange('nearby'),
    });
    this.#book = new PeerBook(this.#state, () => {
      init.onChange('peers');
      init.onChange('transfers');
      this.#neighbourhood.peersChanged();
    });
    this.#unasked = new UnaskedConsent(systemClock, (peer) => this.#incoming.countInterrupted(peer));
    this.#history = HistoryFile.open(join(storage, 'received.json'), logger);
    this.#incoming = new IncomingTransfers({
      clock: systemClock,
      records: RecordFiles.accepted(join(storage, 'accepted'), logger),
      history: this.#history,
      logger,
      receiveFolder: ({ fingerprint }) => folderFor(this.#book.policyOf(fingerprint), this.#receiveFolder),
      fetches: {
        isConnected: (id) => this.#fetches.isConnected(id),
        giveWay: (id) => this.#fetches.giveWay(id),
      },
      decide: ({ fingerprint }, _summary, { details }) => this.#decide(fingerprint, details),
      isTaken: (id) => this.#outgoing.has(id),
      workspaceFolders: init.workspaceFolders,
      ask: init.onOffer,
      changed: () => init.onChange('transfers'),
      received: () => init.onChange('received'),
    });
    this.#outgoing = new OutgoingTransfers({
      records: RecordFiles.jobs(join(storage, 'jobs'), logger),
      outboxes: join(storage, 'outbox'),
      logger,
      host: {
        clock: systemClock,
        nameOf: (fingerprint) => this.#book.nameOf(fingerprint),
        changed: () => init.onChange('transfers'),
        attempt: (record, observer, { signal, arrival }) =>
          sendPaths({
            state: this.#state,
            paths: record.paths,
            omit: { useGitignore: record.useGitignore, leaveOutSecrets: record.leaveOutSecrets },
            target: arrival === undefined ? this.#targetOf(record) : { kind: 'arrival', arrival },
            name: this.device.name,
            transfer: record.id,
            observer,
            compression: this.#compression,
            limiter: this.#limiter,
            memory: this.#memory,
            signal,
          }),
      },
      withdraw: (invite) => void this.#state.shares.redeem(invite),
    });
    this.#shares = new ShareDesk({
      state: this.#state,
      shared: () => this.#outgoing.shared,
      device: () => ({ name: this.device.name, compression: this.#compression }),
      paired: () => this.#book.changed(),
      logger,
    });
    this.#fetches = new Fetches({
      transfers: this.#incoming,
      common: () => ({
        state: this.#state,
        consent: (...offer) => this.#incoming.consent(...offer),
        keepsInterrupted: true,
        observer: this.#incoming,
        compression: this.#compression,
        ...this.#fetching,
      }),
      identity: () => this.#needIdentity(),
      name: () => this.device.name,
    });
    this.#receiver = new ReceiverSwitch({
      state: this.#state,
      incoming: this.#incoming,
      logger,
      onChange: () => {
        init.onChange('receiver');
        this.#tellNeighbourhood();
      },
      onPaired: () => this.#book.changed(),
      desk: this.#desk,
      shares: this.#shares,
    });
    this.#note = new ReceiverNote(join(storage, 'receiver-was-on'));
    this.#limiter.setRate(rateOf(init.settings));
    this.#tellNeighbourhood();
  }

  get state(): EngineState {
    return {
      device: this.device,
      receiver: this.receiver,
      peers: this.peers,
      nearby: this.#neighbourhood.list(),
      transfers: this.transfers,
      received: this.#history.list(),
    };
  }

  sections(names: ReadonlySet<keyof EngineState>): StateChange {
    return {
      ...(names.has('device') ? { device: this.device } : {}),
      ...(names.has('receiver') ? { receiver: this.receiver } : {}),
      ...(names.has('peers') ? { peers: this.peers } : {}),
      ...(names.has('nearby') ? { nearby: this.#neighbourhood.list() } : {}),
      ...(names.has('transfers') ? { transfers: this.transfers } : {}),
      ...(names.has('received') ? { received: this.#history.list() } : {}),
    };
  }

  get device(): Device {
    const name = this.#settings.deviceName.trim();
    return {
      name: printable(name === '' ? hostname() : name, 64),
      fingerprint: this.#identity?.fingerprint,
      machine: hostname(),
    };
  }

  get receiver(): ReceiverStatus {
    return this.#receiver.status(this.#receiveFolder);
  }

  get peers(): readonly PeerSummary[] {
    return this.#book.list();
  }

  get transfers(): EngineState['transfers'] {
    const incoming = this.#incoming.summaries().map((transfer) => this.#book.underItsName(transfer));
    return [...this.#outgoing.summaries(), ...incoming].toSorted(
      (left, right) => right.startedAtMs - left.startedAtMs,
    );
  }

  /** Whether the transfers change from moment to moment. */
  get isMoving(): boolean {
    return this.#outgoing.isMoving || this.#incoming.isMoving;
  }

  get pendingOffers(): readonly string[] {
    return this.#incoming.pendingOffers;
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Who this device is; goes on with what was under way. The first identity stays. */
  identify(identity: Identity): void {
    if (this.#identity !== undefined) return;
    this.#identity = identity;
    this.#init.onChange('device');
    this.#neighbourhood.identify(identity);
    this.#outgoing.takeUp();
    this.#fetches.takeUp();
    if (!this.#note.take(Date.now())) return;
    // What fails is seen in the receiver's status.
    this.startReceiver().catch(() => undefined);
  }

  /** This machine has woken up, or has other addresses: what waits for a peer tries again now. */
  machineChanged(): void {
    this.#neighbourhood.networkChanged();
    this.#outgoing.machineChanged();
    this.#fetches.wake();
    // The addresses that are shown.
    this.#init.onChange('receiver');
  }

  /** Nobody is attached any more, and the process is about to end. */
  leave(): void {
    if (this.#receiver.isOn) this.#note.leave(Date.now());
  }

  configure(settings: EngineSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#limiter.setRate(rateOf(settings));
    if (before.deviceName !== settings.deviceName) this.#init.onChange('device');
    if (before.receiveFolder !== settings.receiveFolder) this.#init.onChange('receiver');
    const isElsewhere =
      before.port !== settings.port ||
      before.host !== settings.host ||
      before.deviceName !== settings.deviceName ||
      before.compression !== settings.compression;
    if (isElsewhere) void this.#receiver.restart(this.#listening);
    this.#tellNeighbourhood();
  }

  /** Whether some window shows the peers. */
  watchPeers(isShown: boolean): void {
    this.#neighbourhood.watch(isShown);
  }

  startReceiver(): Promise<void> {
    this.#needIdentity();
    return this.#receiver.start(this.#listening);
  }

  stopReceiver(): Promise<void> {
    return this.#receiver.stop();
  }

  createInvite(): { readonly text: string; readonly expiresAtMs: number } {
    return { text: this.#receiver.createInvite(), expiresAtMs: Date.now() + INVITE_LIFE_MS };
  }

  async useInvite(text: string, { signal }: { readonly signal: AbortSignal }): Promise<PeerSummary> {
    const fingerprint = await pairByInvite(text, {
      state: this.#state,
      identity: this.#needIdentity(),
      name: this.device.name,
      signal,
    });
    this.#book.changed();
    this.#outgoing.peerChanged(fingerprint);
    return this.#book.get(fingerprint);
  }

  /**
   * Pairs with a device whose user compares a code with ours: with the one at `address`, or, without one, with the
   * first that dials; then the receiver must be on.
   */
  async pairByCode(
    address: string | undefined,
    { compare, signal }: { readonly compare: Compare; readonly signal: AbortSignal },
  ): Promise<PeerSummary> {
    const wish = { identity: this.#needIdentity(), name: this.device.name, compare, signal };
    if (address === undefined && !this.#receiver.isOn) {
      throw new CourierError('not-listening', 'the receiver is off');
    }
    const fingerprint = await (address === undefined
      ? this.#desk.wait(wish)
      : this.#desk.dial(address, wish));
    this.#book.changed();
    this.#outgoing.peerChanged(fingerprint);
    return this.#book.get(fingerprint);
  }

  async lookUp(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{
    readonly address: string;
    readonly fingerprint: string;
    readonly knownAs: string | undefined;
  }> {
    const { address, fingerprint } = await lookUp(text, { identity: this.#needIdentity(), signal });
    const knownAs = this.peers.find((peer) => peer.fingerprint === fingerprint)?.name;
    return { address: formatAddress(address), fingerprint, knownAs };
  }

  /** The user has compared the fingerprint. */
  addPeer(...given: Parameters<PeerBook['add']>): PeerSummary {
    const peer = this.#book.add(...given);
    this.#outgoing.peerChanged(peer.fingerprint);
    return peer;
  }

  async preview(
    paths: readonly string[],
    options: SendOptions,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PreviewSummary> {
    const found = await preview(findRoots(paths), options, { signal });
    return {
      ...found,
      largest: found.largest.map(({ path, sizeBytes }) => ({ path: printable(path), sizeBytes })),
      secrets: named(found.secrets),
      unreadable: named(found.unreadable),
      refusedNames: named(found.refusedNames),
    };
  }

  makeOutbox(): string {
    return this.#outgoing.makeOutbox();
  }

  discardOutbox(folder: string): void {
    this.#outgoing.discardOutbox(folder);
  }

  send({ peer, ...what }: Omit<SendOrder, 'to'> & { readonly peer: string }): string {
    this.#needIdentity();
    requirePartner(this.#state, knownBy(peer));
    const { id } = this.#outgoing.send({ ...what, to: { peer } });
    this.#init.onChange('transfers');
    return id;
  }

  /** Offers something to whoever redeems an invite, by dialling this device; turns the receiver on for that. */
  async share(what: Omit<SendOrder, 'to'>): Promise<SharedSummary> {
    const identity = this.#needIdentity();
    // What cannot be sent is told before anything listens.
    findRoots(what.paths);
    await this.startReceiver();
    const { invite, text } = createShareInvite(this.#state, identity, this.#receiver.addresses);
    const expiresAtMs = Date.now() + INVITE_LIFE_MS;
    try {
      const { id, label } = this.#outgoing.send({ ...what, to: { invite } });
      this.#init.onChange('transfers');
      return { id, label, text, expiresAtMs };
    } catch (error) {
      this.#state.shares.redeem(invite);
      throw error;
    }
  }

  /** Dials whoever made an invite to something that is shared; what is offered then is asked about as every offer is. */
  async redeemShare(text: string, { signal }: { readonly signal: AbortSignal }): Promise<PeerSummary> {
    const { fingerprint } = await this.#fetches.redeem(parseInvite(nodeHashing, text, 'share'), { signal });
    this.#book.changed();
    this.#outgoing.peerChanged(fingerprint);
    return this.#book.get(fingerprint);
  }

  acceptOffer(...[id, choice]: Parameters<IncomingTransfers['accept']>): void {
    this.#incoming.accept(id, choice);
  }

  declineOffer(id: string): void {
    this.#incoming.decline(id);
  }

  pause(id: string): void {
    this.#sideOf(id).pause(id);
  }

  resume(id: string): void {
    this.#sideOf(id).resume(id);
  }

  cancel(id: string): void {
    this.#sideOf(id).cancel(id);
  }

  retry(id: string): void {
    this.#outgoing.retry(id);
  }

  /** Gives a transfer up, whatever its state, removes what is held of it and takes it off the list. */
  discard(id: string): void {
    this.#sideOf(id).discard(id);
  }

  removeTransfer(id: string): void {
    if (!this.#outgoing.remove(id) && !this.#incoming.remove(id)) throw new Gone(id);
  }

  removeReceived(id: string): void {
    if (!this.#history.remove(id)) throw new Gone(id);
    this.#init.onChange('received');
  }

  /** Finds out what stands between this device and a peer, or, if none is named, in the way of this device. */
  examine(wish: ExamineWish, told: ExamineTold): Promise<Examination> {
    return examine({
      ...told,
      state: this.#state,
      identity: this.#needIdentity(),
      name: this.device.name,
      receiver: this.#ownReceiver,
      target: this.#doctorTargetOf(wish),
      remote: wish.remote,
    });
  }

  #tellNeighbourhood(): void {
    const { discovery, deviceName } = this.#settings;
    this.#neighbourhood.update({
      isAllowed: discovery === 'automatic',
      address: this.#receiver.address,
      deviceName: deviceName.trim(),
    });
  }

  renamePeer(...order: Parameters<PeerBook['rename']>): PeerSummary {
    return this.#book.rename(...order);
  }

  setPeerPolicy(...order: Parameters<PeerBook['setPolicy']>): PeerSummary {
    return this.#book.setPolicy(...order);
  }

  /** Makes a peer a stranger, and gives up what has not ended with it. */
  forgetPeer(peer: string): void {
    const fingerprint = knownBy(peer);
    this.#state.peers.forget(fingerprint);
    this.#incoming.forgetPeer(fingerprint);
    this.#outgoing.forgetPeer(fingerprint);
    // Whoever has not offered anything yet.
    this.#state.trust.look();
    this.#book.changed();
  }

  #sideOf(id: string): OutgoingTransfers | IncomingTransfers {
    if (this.#outgoing.has(id)) return this.#outgoing;
    if (this.#incoming.has(id)) return this.#incoming;
    throw new Gone(id);
  }

  /** The peer of a job: by its key, because names are for people and may be shared. */
  #targetOf({ peer, share }: JobRecord): Target {
    const fingerprint = parseFingerprint(peer);
    if (fingerprint === undefined) throw new CourierError('internal', 'a job without a peer');
    const addresses = this.#neighbourhood.addressesOf(fingerprint);
    const isNowhere = addresses.length + (this.#state.peers.find(fingerprint)?.addresses.length ?? 0) === 0;
    // Whoever has come for what is shared comes again, and is most often where nobody can look for it.
    if (share !== undefined && isNowhere) {
      throw new CourierError('connection-lost', 'the peer has to come back');
    }
    return { kind: 'peer', fingerprint, addresses };
  }

  #doctorTargetOf({ peer, address }: ExamineWish): DoctorTarget | undefined {
    if (peer === undefined) return address === undefined ? undefined : { kind: 'address', text: address };
    const fingerprint = parseFingerprint(peer);
    if (fingerprint === undefined) throw new CourierError('not-paired', peer.slice(0, 16));
    return { kind: 'peer', fingerprint, addresses: this.#neighbourhood.addressesOf(fingerprint) };
  }

  #needIdentity(): Identity {
    if (this.#identity === undefined) throw new CourierError('internal', 'no identity was handed over');
    return this.#identity;
  }

  get #receiveFolder(): string {
    const { receiveFolder } = this.#settings;
    return receiveFolder === '' ? join(homedir(), 'Downloads', 'Peer Courier') : receiveFolder;
  }

  /** A known peer's offer may be accepted by its policy or the settings; what needs somebody's eyes is not. */
  #decide(fingerprint: Fingerprint, details: OfferDetails): Choice | undefined {
    const peer = { fingerprint, policy: this.#book.policyOf(fingerprint) };
    const folder = this.#unasked.decide(peer, details, this.#settings);
    return folder === undefined ? undefined : { folder, onConflict: 'keep-both' };
  }

  /** Where the receiver listens, or would. */
  get #ownReceiver(): OwnReceiver {
    const { host, port } = this.#settings;
    const { receiver } = this;
    const addresses =
      receiver.state === 'listening'
        ? receiver.addresses.map((each) => parseAddress(each)).filter((each) => each !== undefined)
        : [];
    return { host: host === '' ? undefined : host, port: addresses[0]?.port ?? port, addresses };
  }

  get #compression(): Compression {
    return this.#settings.compression === 'off' ? noCompression : this.#allCodecs;
  }

  get #listening(): { name: string; host: string | undefined; port: number; compression: Compression } {
    const { host, port } = this.#settings;
    const name = this.device.name;
    return { name, host: host === '' ? undefined : host, port, compression: this.#compression };
  }
}

/** What the doctor is asked about. */
interface ExamineWish {
  readonly peer?: string | undefined;
  readonly address?: string | undefined;
  readonly remote?: RemoteKind | undefined;
}

interface ExamineTold {
  readonly version: string;
  readonly tell: (examination: Examination) => void;
  readonly signal: AbortSignal;
}

function rateOf({ limitBytesPerSecond }: EngineSettings): number | undefined {
  return limitBytesPerSecond === 0 ? undefined : limitBytesPerSecond;
}

function named({ count, first }: NamedCount): NamedCount {
  return { count, first: first.map((path) => printable(path)) };
}
