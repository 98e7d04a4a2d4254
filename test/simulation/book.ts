import type { SimContent } from '../support/simContent.ts';
import { SimRandom } from '../support/simRandom.ts';

/** Where a content comes from. */
export interface Origin {
  readonly kind:
    /** A version of a file that is sent … */
    | 'source'
    /** … what was in the receive folder before the transfer … */
    | 'older'
    /** … or came there meanwhile, from somebody else. */
    | 'stranger';
  /** Below the offer, or below the receive folder. */
  readonly path: string;
  readonly version: number;
}

const BLOCK_BYTES = 4096;
const NOISE = noise();

/**
 * All contents that ever were whole, by what is in them. Each block names its file and version, so that no two
 * versions share one by accident, and a mixture of two is none of them.
 */
export class Book {
  readonly #bySize = new Map<number, { readonly bytes: Uint8Array; readonly origin: Origin }[]>();

  /** Writes a content down under its origin. */
  add(origin: Origin, bytes: Uint8Array): void {
    const same = this.#bySize.get(bytes.length) ?? [];
    same.push({ bytes, origin });
    this.#bySize.set(bytes.length, same);
  }

  /** Whose content this is; several may have the same, if it is short. None: it was never whole. */
  originsOf(content: SimContent): readonly Origin[] {
    const same = this.#bySize.get(content.size) ?? [];
    return same.filter(({ bytes }) => content.has(bytes)).map(({ origin }) => origin);
  }

  /** What a content that was never whole is made of, for a message. */
  describe(bytes: Uint8Array): string {
    const parts: string[] = [];
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      const text = Buffer.from(block.subarray(0, 40)).toString('latin1').split('|')[0] ?? '';
      const name = block.every((byte) => byte === 0) ? 'zeros' : text.replaceAll(/[^ -~]/gu, '?');
      if (parts.at(-1) !== name) parts.push(name);
    }
    return `${bytes.length} bytes: ${parts.slice(0, 12).join(', ')}`;
  }
}

/** Fresh content; `mark` is in each of its blocks. */
export function contentOf(mark: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  stamp(bytes, mark, 0, size);
  return bytes;
}

/** Puts fresh content over a stretch of `bytes`. */
export function stamp(bytes: Uint8Array, mark: string, from: number, to: number): void {
  const head = Buffer.from(`${mark}|`, 'latin1');
  for (let at = from; at < to; at += BLOCK_BYTES) {
    const end = Math.min(to, at + BLOCK_BYTES);
    const shift = (head[0] ?? 0) + ((at / BLOCK_BYTES) % 251) * 16;
    bytes.set(NOISE.subarray(shift, shift + end - at), at);
    bytes.set(head.subarray(0, end - at), at);
  }
}

function noise(): Uint8Array {
  const random = new SimRandom(4);
  return Uint8Array.from({ length: 3 * BLOCK_BYTES }, () => random.below(256));
}
