/**
 * Every number that a peer can choose is compared with one of these before memory or time is spent on
 * it. `docs/protocol.md` lists them; a change here is a change of the protocol.
 */
export const limits = {
  /** The version of this protocol that we speak, and the oldest we still do. */
  version: 1,
  oldestVersion: 1,

  /** Payload bytes of a control frame before the peer is admitted. */
  greetingBytes: 16 * 1024,
  /** Payload bytes of a small control frame. */
  controlBytes: 64 * 1024,
  /** Payload bytes of a want: digests of up to {@link limits.packEntries} entries in hexadecimal. */
  wantBytes: 128 * 1024,
  /** Payload bytes of a manifest page. */
  pageBytes: 1024 * 1024,

  /** Entries in one manifest page. */
  pageEntries: 4096,
  /** Entries in one transfer. */
  entries: 5_000_000,
  /** Pages of one manifest, and bytes of all of them as they travel. */
  pages: 65_536,
  manifestBytes: 2 * 1024 ** 3,
  /** Entries at the top level of one transfer: each may be published under a name of its own. */
  roots: 100_000,
  /** Bytes of one file: 8 TiB, two million chunks of the largest size. */
  fileBytes: 2 ** 43,
  /** Bytes of one transfer. */
  transferBytes: Number.MAX_SAFE_INTEGER,

  /** UTF-8 bytes of one component of a path: what ext4, APFS and NTFS all take. */
  nameBytes: 255,
  /** UTF-8 bytes of a whole relative path. */
  pathBytes: 4096,
  /** Components of a path. */
  pathDepth: 256,

  /** Smallest and largest chunk of a big file, both powers of two. */
  smallestChunkBytes: 256 * 1024,
  largestChunkBytes: 4 * 1024 * 1024,
  /** A big file aims at no more than this many chunks until chunks reach their largest size. */
  chunksPerFile: 512,
  /** Bytes and entries of one pack of small files. */
  packBytes: 1024 * 1024,
  packEntries: 1024,

  /** Wants that a receiver may have open at once. */
  openWants: 64,
  /** Connections of one session. */
  lanes: 16,
  /** Numbers that a session has for its lanes: one that broke may be followed by another. */
  laneNumbers: 1024,
  /** Failures reported in one outcome message. */
  outcomeFailures: 512,
  /** Characters of a device's name, a reason or another text for people. */
  textLength: 256,

  /** From the end of the TLS handshake, which has a limit of its own, until the peer is admitted. */
  greetingTimeoutMs: 10_000,
  /** Who has said nothing for so long says `alive`; who has heard nothing for so long gives up. */
  aliveEveryMs: 10_000,
  deadAfterMs: 30_000,
} as const;
