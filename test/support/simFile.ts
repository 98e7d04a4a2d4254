import { isErrno } from '../../src/node/disk/errno.ts';
import type { FileStats, OpenFile, OpenHow } from '../../src/node/disk/fileSystem.ts';
import { simError } from './simError.ts';
import type { SimContent } from './simContent.ts';
import type { Ino } from './simInodes.ts';
import type { SimCall, SimMount } from './simMount.ts';

interface Opening {
  readonly ino: Ino;
  readonly location: string;
  readonly how: OpenHow;
}

/** A file or folder that a process has open; it keeps what it leads to, whatever becomes of the name. */
export class SimFile implements OpenFile {
  // Immutable.
  readonly #mount: SimMount;
  readonly #opening: Opening;

  // Mutable.
  #underWay = 0;
  #onIdle: (() => void)[] = [];
  #isOpen = true;

  constructor(mount: SimMount, opening: Opening) {
    this.#mount = mount;
    this.#opening = opening;
    mount.disk.hold(opening.ino);
  }

  stat(): FileStats {
    this.#begin('stat');
    return this.#mount.statsOf(this.#opening.ino);
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#later('read', (most) => this.#read(into, position, most), into.length);
  }

  readNow(into: Uint8Array, position: number): number {
    return this.#read(into, position, this.#begin('readNow', into.length));
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return this.#later('write', (most) => this.#write(bytes, position, most), bytes.length);
  }

  writeNow(bytes: Uint8Array, position: number): number {
    return this.#write(bytes, position, this.#begin('writeNow', bytes.length));
  }

  truncate(size: number): void {
    this.#begin('truncate');
    if (this.#opening.how === 'read') throw this.#error('EINVAL', 'ftruncate');
    this.#mount.disk.change({ kind: 'truncate', ino: this.#opening.ino, size });
  }

  chmod(mode: number): void {
    this.#begin('chmod');
    this.#mount.disk.change({ kind: 'chmod', ino: this.#opening.ino, mode: mode & 0o7777 });
  }

  setTime(mtimeMs: number): void {
    this.#begin('setTime');
    this.#mount.disk.change({ kind: 'setTime', ino: this.#opening.ino, mtimeMs });
  }

  sync(): Promise<void> {
    return this.#sync('sync');
  }

  datasync(): Promise<void> {
    return this.#sync('datasync');
  }

  syncNow(): void {
    const { disk } = this.#mount;
    const sync = { of: this.#opening.ino, covers: disk.operations.length, isDataOnly: false };
    try {
      this.#begin('syncNow');
    } catch (error) {
      if (isErrno(error, 'EIO')) disk.sync({ ...sync, hasFailed: true });
      throw error;
    }
    disk.sync({ ...sync, hasFailed: false });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    const { ino, location } = this.#opening;
    try {
      await this.#mount.later({ name: 'close', location }, () => undefined);
    } finally {
      // It is let go of even if that fails, as on Linux.
      this.#mount.disk.letGo(ino);
    }
  }

  closeNow(): void {
    if (!this.#isOpen) return;
    if (this.#underWay > 0) throw new Error(`${this.#opening.location}: something is under way`);
    this.#isOpen = false;
    try {
      this.#mount.begin(this.#call('closeNow', undefined));
    } finally {
      this.#mount.disk.letGo(this.#opening.ino);
    }
  }

  #read(into: Uint8Array, position: number, most = into.length): number {
    const content = this.#content('read');
    if (this.#opening.how === 'create' || this.#opening.how === 'append') throw this.#error('EBADF', 'read');
    return content.read(into.subarray(0, most), position);
  }

  #write(bytes: Uint8Array, position: number, most = bytes.length): number {
    const { ino, how } = this.#opening;
    const content = this.#content('write');
    if (how === 'read') throw this.#error('EBADF', 'write');
    const { disk } = this.#mount;
    const offset = how === 'append' ? content.size : position;
    const wanted = Math.min(most, bytes.length);
    // What is written over something takes no room, and some will do for a part of it.
    const needed = content.write(offset, bytes.subarray(0, wanted)).allocatedBytes - content.allocatedBytes;
    const count = Math.max(0, wanted - Math.max(0, needed - disk.freeBytes));
    if (count === 0 && wanted > 0) throw this.#error('ENOSPC', 'write');
    // The caller's memory may hold something else a moment later.
    const written = Uint8Array.from(bytes.subarray(0, count));
    if (count > 0) disk.change({ kind: 'write', ino, offset, bytes: written });
    return count;
  }

  async #sync(name: 'sync' | 'datasync'): Promise<void> {
    const { disk } = this.#mount;
    const { ino: of } = this.#opening;
    const sync = { of, covers: disk.operations.length, isDataOnly: name === 'datasync' };
    try {
      await this.#later(name, () => disk.sync({ ...sync, hasFailed: false }));
    } catch (error) {
      if (isErrno(error, 'EIO')) disk.sync({ ...sync, hasFailed: true });
      throw error;
    }
  }

  #content(syscall: string): SimContent {
    const node = this.#mount.disk.inodes.get(this.#opening.ino);
    if (node.kind === 'file') return node.content;
    throw this.#error('EISDIR', syscall);
  }

  #begin(name: SimCall['name'], length?: number): number | undefined {
    this.#requireOpen(name);
    return this.#mount.begin(this.#call(name, length));
  }

  async #later<Result>(
    name: SimCall['name'],
    work: (most: number | undefined) => Result,
    length?: number,
  ): Promise<Result> {
    this.#requireOpen(name);
    this.#underWay += 1;
    try {
      return await this.#mount.later(this.#call(name, length), work);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const wake of this.#onIdle.splice(0)) wake();
    }
  }

  #call(name: SimCall['name'], length: number | undefined): SimCall {
    const { location } = this.#opening;
    return length === undefined ? { name, location } : { name, location, length };
  }

  #requireOpen(syscall: string): void {
    // Who was killed hears that first.
    if (!this.#isOpen && !this.#mount.isDead) throw this.#error('EBADF', syscall);
  }

  #error(code: string, syscall: string): Error {
    return simError(code, syscall, this.#opening.location);
  }
}
