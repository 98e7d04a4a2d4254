/** What the product promises hangs on these lines: each is taken out in turn, and a suite must notice. */

/** One place in a source file, named so that it is there exactly once, and what stands there instead. */
export interface Replacement {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation extends Replacement {
  readonly name: string;
  /** The suite that must fail, … */
  readonly suite: string;
  /** … and which of its tests are run, if not all: what names of tests match. */
  readonly only?: string;
}

const ANY_CRASH = 'test/crash/receive.test.ts';
const SINGLE_FILES = '^a crash at any point, and the transfer completes single files, both kept$';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'small files get their names before their content is durable',
    file: 'src/node/disk/folderPublisher.ts',
    find: 'await this.#init.durability.syncMany(() => locations.filter(isThere), group.length);',
    replace: 'void isThere;',
    suite: ANY_CRASH,
    only: SINGLE_FILES,
  },
  {
    name: 'big files get their names before their content is durable',
    file: 'src/node/disk/partialFile.ts',
    find: `      this.#file.setTime(this.#entry.mtimeMs);
      await durability.syncFile(location, () => this.#file.sync());`,
    replace: 'this.#file.setTime(this.#entry.mtimeMs); void location;',
    suite: ANY_CRASH,
    only: '^a crash at any point, and the transfer completes a tree beside another, without syncfs$',
  },
  {
    name: 'the names of what was received are not durable at the receipt',
    file: 'src/node/disk/folderPublisher.ts',
    find: `      await this.#publishTrees(taken);
      await this.#durableNames.sync(folder);`,
    replace: 'await this.#publishTrees(taken); void folder;',
    suite: ANY_CRASH,
    only: '^a crash at any point, and the transfer completes a tree, into nothing$',
  },
  {
    name: 'names are taken that the journal does not know',
    file: 'src/node/disk/folderPublisher.ts',
    find: 'if (this.#init.keepsInterrupted && names.length > 0) await this.#init.journal.announce(names);',
    replace: 'void names;',
    suite: ANY_CRASH,
    only: SINGLE_FILES,
  },
  {
    name: 'names are taken before the journal is durable',
    file: 'src/node/disk/publishedJournal.ts',
    find: 'await whereSupported(file.datasync());',
    replace: 'void whereSupported;',
    suite: ANY_CRASH,
    only: SINGLE_FILES,
  },
  {
    name: 'a published file keeps its second name in staging, and is written into',
    file: 'src/node/disk/placement.ts',
    find: 'if (isResumed) unlinkPublished(disk, this.#parts);',
    replace: 'void unlinkPublished;',
    suite: ANY_CRASH,
    only: '^the source changes',
  },
  {
    name: 'a state file is replaced by one that is not durable',
    file: 'src/node/state/stateFile.ts',
    find: 'opened.syncNow();',
    replace: '',
    suite: 'test/crash/stateFile.test.ts',
  },
  {
    name: 'what a failed sync was to cover is trusted',
    file: 'src/node/disk/durability.ts',
    find: 'if (this.#failure !== undefined) throw this.#failure;',
    replace: '',
    suite: 'test/contract/destinationPowerLoss.test.ts',
  },
  {
    name: 'a name is taken by a rename, which overwrites',
    file: 'src/node/disk/publish.ts',
    find: 'this.#disk.link(part, location);',
    replace: 'this.#disk.rename(part, location); return true;',
    suite: 'test/contract/destinationHostile.test.ts',
  },
  {
    name: 'a receive folder that is not mounted is taken for the right one',
    file: 'src/node/disk/receiveFolder.ts',
    find: 'const isOther = identity !== undefined && (identity.dev !== dev || identity.ino !== ino);',
    replace: 'const isOther = identity !== undefined && dev < ino && ino < dev;',
    suite: 'test/contract/destinationGone.test.ts',
  },
  {
    name: 'folders below a root are looked at and not held',
    file: 'src/node/disk/systemFiles.ts',
    find: 'const way = canHoldFolders() ? HeldFolders : CheckedFolders;',
    replace: 'const way = canHoldFolders() ? CheckedFolders : HeldFolders;',
    suite: 'test/hostile/disk/flips.test.ts',
    only: '^case 63: a folder that is held is what its name leads to',
  },
  {
    name: 'a chunk is written whatever its digest is',
    file: 'src/transfer/chunkStore.ts',
    find: "if (!equalBytes(this.#init.hashing.sha256(raw), reply.digest)) return 'again';",
    replace: '',
    suite: 'test/unit/transferDamage.test.ts',
  },
  {
    name: 'a pack is written whatever its digest is',
    file: 'src/transfer/chunkStore.ts',
    find: "if (!equalBytes(packDigest, reply.digest)) return 'again';",
    replace: 'void packDigest;',
    suite: 'test/unit/transferDamage.test.ts',
  },
  {
    name: 'what the receiver holds is called right without a look at its digest',
    file: 'src/transfer/chunkReader.ts',
    find: 'if (held !== undefined && equalBytes(held, digest)) {',
    replace: 'if (held !== undefined) {',
    suite: 'test/unit/transferResume.test.ts',
    only: '^what was left is not what is offered now$',
  },
  {
    name: 'what was in a lane that broke is not told',
    file: 'src/transfer/sendingLanes.ts',
    find: 'if (member !== undefined) this.#init.onLost(number, member.carried);',
    replace: '',
    suite: 'test/unit/transferLanes.test.ts',
    only: '^all of them: the first connection goes on alone$',
  },
  {
    name: 'a lane is taken in whatever its proof is',
    file: 'src/peers/laneKey.ts',
    find: 'return equalBytes(theirs, this.#mac(lane, exporter));',
    replace: 'return true;',
    suite: 'test/unit/laneKey.test.ts',
  },
  {
    name: 'a nonce may be another one than was fixed',
    file: 'src/peers/pairing.ts',
    find: '!equalBytes(commitment(hashing, dialler, pair), this.#commitment)',
    replace: 'false',
    suite: 'test/unit/pairing.test.ts',
  },
  {
    name: 'two devices are paired when one user has said yes',
    file: 'src/peers/pairing.ts',
    find: 'if (!this.#hasAgreed || this.#peerName === undefined) return;',
    replace: 'if (this.#peerName === undefined) return;',
    suite: 'test/unit/pairing.test.ts',
  },
  {
    name: 'a device in the middle gets a second guess by dialling back',
    file: 'src/engine/pairingDesk.ts',
    find: 'dialling.hasGivenWay || dialling.hasCode;',
    replace: 'dialling.hasGivenWay;',
    suite: 'test/integration/pairingCrossed.test.ts',
  },
  {
    name: 'a proof of an ordinary invite gets what is shared',
    file: 'src/peers/trust.ts',
    find: "inviteProof(hashing, { ...introduction, token }, 'share')",
    replace: "inviteProof(hashing, { ...introduction, token }, 'receive')",
    suite: 'test/unit/shareTrust.test.ts',
  },
  {
    name: 'what somebody has redeemed is for every known peer',
    file: 'src/peers/trust.ts',
    find: 'find((share) => share?.peer === dialler)',
    replace: 'find((share) => share?.peer !== undefined)',
    suite: 'test/unit/shareTrust.test.ts',
  },
  {
    name: 'a sender that is dialled back gives its own session up, whichever goes on',
    file: 'src/engine/outgoingJob.ts',
    find: "if (isOurs && !arrival.isPreferred) return 'busy';",
    replace: 'void isOurs;',
    suite: 'test/unit/outgoingJobShared.test.ts',
  },
  {
    name: 'a receiver that is dialled back gives its own session up, whichever goes on',
    file: 'src/engine/incomingTransfers.ts',
    find: 'running.isFetched !== isFetched && !isPreferred) return true;',
    replace: 'running.isFetched !== isFetched && !isPreferred) return false;',
    suite: 'test/contract/crossedSessions.test.ts',
  },
  {
    name: 'a receipt is believed whatever its root is',
    file: 'src/transfer/outgoingTransfer.ts',
    find: 'theirs === undefined || !equalBytes(root, theirs) || counts.published',
    replace: 'theirs === undefined || counts.published',
    suite: 'test/unit/transferDamage.test.ts',
  },
  {
    name: 'a big file is read whatever version it is after the read',
    file: 'src/node/disk/fileSource.ts',
    find: `      // After the read as before: what was read lies between two looks at the same version.
      if (!isVersion(version, opened.stat())) throw changed(entry);`,
    replace: '',
    suite: 'test/contract/sourceChanges.test.ts',
  },
  {
    name: 'a small file is read whatever version it is after the read',
    file: 'src/node/disk/fileSource.ts',
    find: 'bytes === undefined || !isVersion(version, file.stat())',
    replace: 'bytes === undefined',
    suite: 'test/contract/sourceChanges.test.ts',
  },
  {
    name: 'a file is read whatever version it is when it is opened',
    file: 'src/node/disk/fileSource.ts',
    find: `      const { opened } = file;
      if (!isVersion(version, opened.stat())) throw changed(entry);`,
    replace: `const { opened } = file;
      const { size, mtimeMs, ctimeMs, ino: inode } = opened.stat();
      version = { size, mtimeMs, ctimeMs, inode };`,
    suite: 'test/contract/sourceChanges.test.ts',
  },
  {
    name: 'a name may lead out of the receive folder',
    file: 'src/protocol/wirePath.ts',
    find: "if (visible === '.' || visible === '..') return 'relative step';",
    replace: '',
    suite: 'test/unit/wirePath.test.ts',
  },
  {
    name: 'a place far away is dialled because somebody announces it',
    file: 'src/node/net/onLink.ts',
    find: "return networksOf(interfaces).check(address, isIPv6(address) ? 'ipv6' : 'ipv4');",
    replace: 'return networksOf(interfaces).rules.length >= 0;',
    suite: 'test/unit/onLink.test.ts',
  },
  {
    name: 'announcements fill the memory',
    file: 'src/peers/places.ts',
    find: 'if (this.#places.size >= MOST_PLACES && !this.#makeRoom()) return undefined;',
    replace: '',
    suite: 'test/unit/places.test.ts',
  },
  {
    name: 'a goodbye in somebody’s name is believed',
    file: 'src/peers/places.ts',
    find: 'if (place.announcement?.instance === instance) place.dueAt = Math.min(place.dueAt, now);',
    replace: 'if (place.announcement?.instance === instance) place.answer = undefined;',
    suite: 'test/unit/places.test.ts',
  },
  {
    name: 'a blocked peer is let in',
    file: 'src/peers/trust.ts',
    find: "if (book.isBlocked(dialler)) return proof === undefined ? 'not-paired' : 'invite-refused';",
    replace: '',
    suite: 'test/unit/trust.test.ts',
  },
  {
    name: 'a file of one known peer counts for another',
    file: 'src/node/state/knownPeers.ts',
    find: 'if (parsed.fingerprint === fingerprint) return parsed;',
    replace: 'return parsed;',
    suite: 'test/contract/knownPeers.test.ts',
    only: 'about another peer',
  },
  {
    name: 'what was decided on a peer that was forgotten holds for it when it is paired again',
    file: 'src/node/state/knownPeers.ts',
    find: `    // What a crash or a forgetting has left was about another time.
    this.#removeDecisions(fingerprint);`,
    replace: '',
    suite: 'test/contract/knownPeers.test.ts',
    only: 'what a process left that was killed while it forgot',
  },
  {
    name: 'a block is taken back before there is another policy',
    file: 'src/node/state/knownPeers.ts',
    find: 'const file = this.#fileOf(fingerprint, POLICY);',
    replace: 'removeFile(blocked, this.#disk); const file = this.#fileOf(fingerprint, POLICY);',
    suite: 'test/crash/knownPeers.test.ts',
    only: 'in between it is blocked',
  },
  {
    name: 'the doctor greets a device that is not the one that is meant',
    file: 'src/engine/doctorPeer.ts',
    find: 'if (isMeant && !isOurselves) return greet(channel, signal);',
    replace: 'if (!isOurselves) return greet(channel, signal); void isMeant;',
    suite: 'test/integration/doctorProbes.test.ts',
    only: '^another key than the one that is meant is named and not greeted$',
  },
  {
    name: 'names of hosts stay in a report for strangers',
    file: 'src/doctor/redact.ts',
    find: "return host.endsWith('.local') ? 'NAME.local' : 'NAME';",
    replace: 'return host;',
    suite: 'test/unit/doctorRedact.test.ts',
  },
  {
    name: 'the lines of a report for strangers are as they were',
    file: 'src/doctor/redact.ts',
    find: 'text: maskAddresses(clean(text)),',
    replace: 'text: maskAddresses(text), _: clean,',
    suite: 'test/unit/doctorRedact.test.ts',
  },
  {
    name: 'something may stand behind a body',
    file: 'src/node/codec/zlibCompression.ts',
    find: 'engine.bytesWritten !== bytes.length',
    replace: 'engine.bytesWritten > bytes.length',
    suite: 'test/hostile/protocol/compressed.test.ts',
    only: 'case 34: zstd with garbage behind it',
  },
];
