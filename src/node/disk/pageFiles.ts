import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PageStore } from '../../transfer/ports.ts';
import { isErrno, writeFailure } from './errno.ts';

/** A {@link PageStore} of small files in one folder, which it makes. Whoever owns the folder removes it. */
export class PageFiles implements PageStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  write(kind: 'manifest' | 'results', page: number, bytes: Uint8Array): void {
    try {
      writeFileSync(this.#fileOf(kind, page), bytes, { mode: 0o600 });
    } catch (error) {
      throw writeFailure(error);
    }
  }

  read(kind: 'manifest' | 'results', page: number): Uint8Array | undefined {
    try {
      return readFileSync(this.#fileOf(kind, page));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  #fileOf(kind: 'manifest' | 'results', page: number): string {
    return join(this.#folder, `${kind}-${page}`);
  }
}
