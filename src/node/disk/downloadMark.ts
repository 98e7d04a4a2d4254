import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FileSystem } from './fileSystem.ts';
import { writeNow } from './wholeFile.ts';

/** A file that has not got its final name yet. */
export interface UnmarkedFile {
  readonly location: string;
  readonly mtimeMs: number;
}

/** What a mark is set with. */
export interface MarkTools {
  readonly platform: NodeJS.Platform;
  /** Runs a program to its end; rejects if it fails. */
  readonly run: (program: string, words: readonly string[]) => Promise<unknown>;
  /** Milliseconds since 1970, for people. */
  readonly nowMs: () => number;
}

const runProgram = promisify(execFile);
export const systemMarkTools: MarkTools = {
  platform: process.platform,
  run: (program, words) => runProgram(program, [...words]),
  nowMs: () => Date.now(),
};

/** Files that one program is run for, and how long its words may be together. */
const BATCH_FILES = 256;
const BATCH_LETTERS = 64 * 1024;
/** An alternate data stream; zone 3 is the internet ([MS-FSCC] 5.6.1). */
const WINDOWS_STREAM = 'Zone.Identifier';
const WINDOWS_ZONE = '[ZoneTransfer]\r\nZoneId=3\r\n';

/**
 * Marks files as come from elsewhere, where the system has a mark for that; whoever opens or starts one there is asked
 * first, or warned. On Windows that is a stream of the file, on macOS its quarantine attribute, for which Node has no
 * call. Linux has none that anything obeys.
 *
 * A file that cannot be marked goes without: not every file system keeps streams or attributes. The mark is not synced.
 */
export class DownloadMark {
  readonly #disk: FileSystem;
  readonly #tools: MarkTools;

  constructor(disk: FileSystem, tools: MarkTools) {
    this.#disk = disk;
    this.#tools = tools;
  }

  async mark(files: Iterable<UnmarkedFile>): Promise<void> {
    if (this.#tools.platform === 'win32') for (const file of files) this.#writeZone(file);
    if (this.#tools.platform === 'darwin') await this.#quarantine(files);
  }

  #writeZone({ location, mtimeMs }: UnmarkedFile): void {
    try {
      const stream = this.#disk.open(`${location}:${WINDOWS_STREAM}`, 'create');
      try {
        writeNow(stream, Buffer.from(WINDOWS_ZONE), 0);
      } finally {
        stream.closeNow();
      }
      // Which writing the stream has changed.
      this.#disk.setTime(location, mtimeMs);
    } catch {
      // It has one from an earlier session, or cannot have one.
    }
  }

  async #quarantine(files: Iterable<UnmarkedFile>): Promise<void> {
    let batch: string[] = [];
    let letters = 0;
    for (const { location } of files) {
      batch.push(location);
      letters += location.length;
      if (batch.length < BATCH_FILES && letters < BATCH_LETTERS) continue;
      await this.#quarantineBatch(batch);
      batch = [];
      letters = 0;
    }
    if (batch.length > 0) await this.#quarantineBatch(batch);
  }

  async #quarantineBatch(locations: readonly string[]): Promise<void> {
    // The flags of a browser's download, when it was, and who did it.
    const when = Math.floor(this.#tools.nowMs() / 1000).toString(16);
    const value = `0081;${when};Peer Courier;`;
    try {
      await this.#tools.run('/usr/bin/xattr', ['-w', 'com.apple.quarantine', value, ...locations]);
    } catch {
      // It has marked those that it could.
    }
  }
}
