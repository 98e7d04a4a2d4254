import { join } from 'node:path';
import * as v from 'valibot';
import { CourierError } from '../../base/failure.ts';
import { distinctAddresses, formatAddress, parseAddress } from '../../peers/address.ts';
import type { Address } from '../../peers/address.ts';
import { parseFingerprint } from '../../peers/fingerprint.ts';
import type { Fingerprint } from '../../peers/fingerprint.ts';
import { distinctNames, freeName } from '../../peers/namedPeer.ts';
import type { PeerPolicy, StoredPolicy } from '../../peers/policy.ts';
import { isErrno } from '../disk/errno.ts';
import type { WholeFileSystem } from '../disk/fileSystem.ts';
import { systemFiles } from '../disk/systemFiles.ts';
import { nameSchema, policySchema, reachedSchema, shownSchema, trustSchema } from './peerSchemas.ts';
import { readSmallFile, removeFile, replaceFile, writeNewFile } from './stateFile.ts';

/** A peer that is to be known. */
export interface NewPeer {
  readonly fingerprint: Fingerprint;
  /** The name it gives itself, or that its user has typed. */
  readonly name: string;
  /** Where it was reached, latest first; hints only. */
  readonly addresses: readonly Address[];
}

/** A fingerprint that the user trusts, or has blocked. */
export interface KnownPeer extends NewPeer {
  /** What its user calls it; no other peer in a list has that name. */
  readonly name: string;
  readonly policy: StoredPolicy;
}

/**
 * The files of one peer, in a folder that has its fingerprint for a name. `peer.json` alone makes it a known one: it
 * is made when they pair and never written again, so that nobody who writes another file brings back a peer that was
 * forgotten meanwhile. `blocked` is a mark whatever is in it, so that no damage lets a peer in again.
 */
const TRUST = 'peer.json';
const NAME = 'name.json';
/** Told apart from another peer of the same name; no writer of it ever takes back what a user has called the peer. */
const SHOWN = 'shown.json';
const POLICY = 'policy.json';
const BLOCKED = 'blocked';
const REACHED = 'reached.json';
/** All that is about a peer that is known, and says nothing of one that is not. */
const DECISIONS = [NAME, SHOWN, POLICY, BLOCKED, REACHED] as const;

const MOST_ADDRESSES = 8;

/** Who is known, and as whom. */
interface Paired {
  readonly fingerprint: Fingerprint;
  /** What it was paired under, or renamed to; several may be called that. */
  readonly calledName: string;
  readonly name: string;
  readonly pairedAtMs: number;
}

/**
 * The known peers of one state folder: a folder for each, read afresh on each look, because other processes pair,
 * rename and forget there, too. Every file is replaced whole and holds one thing, so that two writers lose nothing of
 * each other's. A damaged one throws `state-unusable` and is never taken for nobody, nor for somebody else; only
 * addresses, which are hints, are then none, and a policy that cannot be read asks.
 */
export class KnownPeers {
  readonly #folder: string;
  readonly #disk: WholeFileSystem;
  readonly #wallMs: () => number;

  constructor(
    folder: string,
    disk: WholeFileSystem = systemFiles,
    { wallMs = () => Date.now() }: { readonly wallMs?: () => number } = {},
  ) {
    this.#folder = folder;
    this.#disk = disk;
    this.#wallMs = wallMs;
  }

  /** All of them, in the order in which they were paired. */
  list(): readonly KnownPeer[] {
    return this.#shown().map((peer) => this.#whole(peer));
  }

  /** One of them, whatever may be wrong with others. */
  find(fingerprint: Fingerprint): KnownPeer | undefined {
    const peer = this.#read(fingerprint);
    return peer === undefined ? undefined : this.#whole(peer);
  }

  /** Makes a peer a known one, or refreshes where it was reached. What its user has decided on it stays. */
  remember(peer: NewPeer): void {
    if (this.#read(peer.fingerprint) === undefined) this.#pair(peer);
    this.reached(peer.fingerprint, peer.addresses);
  }

  /** A known peer was reached, latest first; of one that is not known, nothing is kept. */
  reached(fingerprint: Fingerprint, addresses: readonly Address[]): void {
    if (this.#read(fingerprint) === undefined) return;
    const before = this.#addressesOf(fingerprint);
    const text = textOf(distinctAddresses([...addresses, ...before]).slice(0, MOST_ADDRESSES));
    // Most often nothing is new. Then the first byte of a transfer does not wait for a disk that syncs.
    if (text === textOf(before)) return;
    againIfGone(() => replaceFile(this.#fileOf(fingerprint, REACHED), text, this.#disk));
  }

  /** Throws `not-paired` if it is not known, `peer-name-taken` if another one is called that. */
  rename(fingerprint: Fingerprint, name: string): void {
    this.#requireKnown(fingerprint);
    const isTaken = this.#shown().some((peer) => peer.name === name && peer.fingerprint !== fingerprint);
    if (isTaken) throw new CourierError('peer-name-taken', name);
    this.#settleNames();
    const text = textFor(nameSchema, { version: 1, fingerprint, name });
    replaceFile(this.#fileOf(fingerprint, NAME), text, this.#disk);
    removeFile(this.#fileOf(fingerprint, SHOWN), this.#disk);
    // Another process may have had the same idea.
    this.#settleNames();
  }

  /** Throws `not-paired` if it is not known. */
  setPolicy(fingerprint: Fingerprint, policy: PeerPolicy): void {
    this.#requireKnown(fingerprint);
    const blocked = this.#fileOf(fingerprint, BLOCKED);
    if (policy.kind === 'block') {
      writeNewFile(blocked, '', this.#disk);
      return;
    }
    const file = this.#fileOf(fingerprint, POLICY);
    if (policy.kind === 'default') removeFile(file, this.#disk);
    else replaceFile(file, textFor(policySchema, { version: 1, fingerprint, policy }), this.#disk);
    // Last: after a crash in between it is still blocked.
    removeFile(blocked, this.#disk);
  }

  /** When this returns the peer is a stranger, also after a power loss. Throws `not-paired` if it was one. */
  forget(fingerprint: Fingerprint): void {
    this.#requireKnown(fingerprint);
    // Nobody else is called what it was called because it is gone.
    this.#settleNames();
    removeFile(this.#fileOf(fingerprint, TRUST), this.#disk);
    try {
      this.#removeDecisions(fingerprint);
      this.#disk.rmdir(this.#folderOf(fingerprint));
    } catch {
      // What is left holds for nobody: pairing anew removes it, or says that it cannot.
    }
  }

  #pair(peer: NewPeer): void {
    const { fingerprint } = peer;
    // What a crash or a forgetting has left was about another time.
    this.#removeDecisions(fingerprint);
    const name = freeName(peer.name, new Set(this.#shown().map((each) => each.name)));
    const pairedAtMs = this.#wallMs();
    const text = textFor(trustSchema, { version: 1, fingerprint, name, pairedAtMs });
    againIfGone(() => writeNewFile(this.#fileOf(fingerprint, TRUST), text, this.#disk));
    this.#settleNames();
  }

  /** Writes down the names that peers are shown under, where two of them have been given the same one. */
  #settleNames(): void {
    const paired = this.#paired();
    for (const [at, { fingerprint, calledName, name }] of distinctly(paired).entries()) {
      if (paired[at]?.name === name) continue;
      const text = textFor(shownSchema, { version: 1, fingerprint, of: calledName, name });
      try {
        replaceFile(this.#fileOf(fingerprint, SHOWN), text, this.#disk);
      } catch {
        // It is forgotten at this moment, or there is no room: it is shown so all the same.
      }
    }
  }

  #removeDecisions(fingerprint: Fingerprint): void {
    for (const file of DECISIONS) removeFile(this.#fileOf(fingerprint, file), this.#disk);
    // What was being written when a process was killed.
    for (const name of this.#namesIn(this.#folderOf(fingerprint))) {
      if (name.endsWith('.tmp')) removeFile(this.#fileOf(fingerprint, name), this.#disk);
    }
  }

  #requireKnown(fingerprint: Fingerprint): void {
    if (this.#read(fingerprint) !== undefined) return;
    throw new CourierError('not-paired', fingerprint.slice(0, 16));
  }

  #shown(): readonly Paired[] {
    return distinctly(this.#paired());
  }

  /** In the order in which they were paired. */
  #paired(): readonly Paired[] {
    return this.#namesIn(this.#folder)
      .flatMap((name) => {
        // Whatever else lies there is about nobody.
        const fingerprint = parseFingerprint(name);
        return fingerprint === undefined ? [] : (this.#read(fingerprint) ?? []);
      })
      .toSorted(
        (left, right) =>
          left.pairedAtMs - right.pairedAtMs || (left.fingerprint < right.fingerprint ? -1 : 1),
      );
  }

  #read(fingerprint: Fingerprint): Paired | undefined {
    const trust = this.#parse(fingerprint, TRUST, trustSchema);
    if (trust === undefined) return undefined;
    const calledName = this.#parseRare(fingerprint, NAME, nameSchema)?.name ?? trust.name;
    const shown = this.#parseRare(fingerprint, SHOWN, shownSchema);
    // One that was written while somebody renamed the peer is about a name that it has no more.
    const name = shown?.of === calledName ? shown.name : calledName;
    return { fingerprint, calledName, name, pairedAtMs: trust.pairedAtMs };
  }

  #whole({ fingerprint, name }: Paired): KnownPeer {
    const addresses = this.#addressesOf(fingerprint);
    return { fingerprint, name, addresses, policy: this.#policyOf(fingerprint) };
  }

  #policyOf(fingerprint: Fingerprint): StoredPolicy {
    const blocked = this.#fileOf(fingerprint, BLOCKED);
    try {
      if (this.#disk.lstat(blocked) !== undefined) return { kind: 'block' };
    } catch (cause) {
      throw new CourierError('state-unusable', `${blocked} cannot be read`, { cause });
    }
    try {
      return this.#parseRare(fingerprint, POLICY, policySchema)?.policy ?? { kind: 'default' };
    } catch {
      return { kind: 'unreadable' };
    }
  }

  #addressesOf(fingerprint: Fingerprint): readonly Address[] {
    try {
      const { addresses } = v.parse(reachedSchema, JSON.parse(this.#text(fingerprint, REACHED)));
      return addresses
        .map((address) => parseAddress(address))
        .filter((address) => address !== undefined)
        .slice(0, MOST_ADDRESSES);
    } catch {
      return [];
    }
  }

  /** `undefined` if there is no such file. One that says it is about another peer is a damaged one. */
  #parse<Parsed extends { readonly fingerprint: string }>(
    fingerprint: Fingerprint,
    name: string,
    schema: v.GenericSchema<unknown, Parsed>,
  ): Parsed | undefined {
    const file = this.#fileOf(fingerprint, name);
    let text: string;
    try {
      text = this.#text(fingerprint, name);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return undefined;
      throw new CourierError('state-unusable', `${file} cannot be read`, { cause });
    }
    try {
      const parsed = v.parse(schema, JSON.parse(text));
      if (parsed.fingerprint === fingerprint) return parsed;
      throw new RangeError('it is about another peer');
    } catch (cause) {
      throw new CourierError('state-unusable', `${file} is damaged`, { cause });
    }
  }

  /** The same, for one that most peers do not have: an error takes ten times as long as a look. */
  #parseRare<Parsed extends { readonly fingerprint: string }>(
    fingerprint: Fingerprint,
    name: string,
    schema: v.GenericSchema<unknown, Parsed>,
  ): Parsed | undefined {
    try {
      if (this.#disk.lstat(this.#fileOf(fingerprint, name)) === undefined) return undefined;
    } catch {
      // Whoever reads it says what is wrong.
    }
    return this.#parse(fingerprint, name, schema);
  }

  #text(fingerprint: Fingerprint, name: string): string {
    return readSmallFile(this.#fileOf(fingerprint, name), this.#disk);
  }

  /** None in a folder that is not there; one that cannot be read may hold anybody. */
  #namesIn(folder: string): readonly string[] {
    try {
      return this.#disk.readdir(folder);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return [];
      throw new CourierError('state-unusable', `${folder} cannot be read`, { cause });
    }
  }

  #folderOf(fingerprint: Fingerprint): string {
    return join(this.#folder, fingerprint);
  }

  #fileOf(fingerprint: Fingerprint, name: string): string {
    return join(this.#folderOf(fingerprint), name);
  }
}

function distinctly(paired: readonly Paired[]): readonly Paired[] {
  const names = distinctNames(paired.map(({ name }) => name));
  return paired.map((peer, at) => ({ ...peer, name: names[at] ?? peer.name }));
}

const MOST_ATTEMPTS = 5;

/** Another process may forget the peer at this moment, and remove its folder under our hands. */
function againIfGone(write: () => unknown): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      write();
      return;
    } catch (error) {
      const isGone = error instanceof Error && isErrno(error.cause, 'ENOENT');
      if (!isGone || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

/** What could not be read again is not written. */
function textFor<Stored>(schema: v.GenericSchema<unknown, Stored>, stored: Stored): string {
  return JSON.stringify(v.parse(schema, stored));
}

function textOf(addresses: readonly Address[]): string {
  return JSON.stringify({ addresses: addresses.map(formatAddress) });
}
