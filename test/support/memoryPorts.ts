import { createHash, createHmac } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Hashing } from '../../src/base/hashing.ts';
import type { Compression, PageStore } from '../../src/transfer/ports.ts';

/** The real functions: a digest has nothing to fake. */
export const memoryHashing: Hashing = {
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  startSha256: () => {
    const hash = createHash('sha256');
    return {
      update: (bytes) => {
        hash.update(bytes);
      },
      digest: () => new Uint8Array(hash.digest()),
    };
  },
  hmacSha256: (key, bytes) => new Uint8Array(createHmac('sha256', key).update(bytes).digest()),
};

/** Gzip, at once: the threads of `node:zlib` would make the order of things differ from run to run. */
export class MemoryCompression implements Compression {
  readonly codecs = ['gzip'] as const;
  readonly threads = 1;
  readonly calls = { measure: 0, compress: 0, decompress: 0 };
  /** How many bytes were given back, each time. */
  readonly released: number[] = [];
  /** The numbers of the calls of `decompress`, from 1, whose result is wrong. */
  lies: ReadonlySet<number> = new Set();
  /** The numbers of those that reject. */
  refusals: ReadonlySet<number> = new Set();

  measure(_codec: string, sample: Uint8Array): number {
    this.calls.measure += 1;
    return gzipSync(sample, { level: 1 }).length;
  }

  compress(_codec: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.calls.compress += 1;
    return Promise.resolve(gzipSync(bytes, { level: 1 }));
  }

  async decompress(_codec: string, bytes: Uint8Array, rawLength: number): Promise<Uint8Array> {
    this.calls.decompress += 1;
    const call = this.calls.decompress;
    if (this.refusals.has(call)) throw new Error('not gzip');
    const raw = new Uint8Array(gunzipSync(bytes, { maxOutputLength: Math.max(1, rawLength) }));
    if (raw.length !== rawLength) throw new Error('another length than was declared');
    if (this.lies.has(call)) raw[0] = 255 - (raw[0] ?? 0);
    return raw;
  }

  /** Whoever still looks at memory that was given back will notice. */
  release(bytes: Uint8Array): void {
    this.released.push(bytes.length);
    bytes.fill(0xee);
  }
}

/** Pages as copies, as a disk would keep them. */
export class MemoryPageStore implements PageStore {
  readonly #pages = new Map<string, Uint8Array>();
  readonly written = { manifest: 0, results: 0 };
  readonly loaded = { manifest: 0, results: 0 };

  write(kind: 'manifest' | 'results', page: number, bytes: Uint8Array): void {
    this.written[kind] += 1;
    this.#pages.set(`${kind} ${page}`, bytes.slice());
  }

  read(kind: 'manifest' | 'results', page: number): Uint8Array | undefined {
    this.loaded[kind] += 1;
    return this.#pages.get(`${kind} ${page}`)?.slice();
  }
}
