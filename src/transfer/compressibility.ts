/**
 * Which chunks need not be sampled, because their neighbours tell what they are like. A verdict holds for as many
 * bytes as it has been confirmed for: twice as many each time a sample says the same, up to a bound, so that the
 * second half of a disk image is noticed soon. Neighbours are of one kind, which is told by the caller: the same
 * kind of file.
 */
const LONGEST_TRUST_BYTES = 16 * 1024 * 1024;
/** Kinds that are remembered; more than a tree of sources has. */
const MOST_KINDS = 64;

interface Verdict {
  readonly share: number;
  /** For how many bytes it holds, and for how many it still does. */
  readonly trustBytes: number;
  leftBytes: number;
}

export class Compressibility {
  readonly #verdicts = new Map<string, Verdict>();
  readonly #worthwhileShare: number;

  /** What shrinks to less than `worthwhileShare` is one sort of data, the rest is the other. */
  constructor(worthwhileShare: number) {
    this.#worthwhileShare = worthwhileShare;
  }

  /** To which share of itself a chunk shrinks by what is known of its kind; `undefined` if that has to be tried. */
  expect(kind: string, bytes: number): number | undefined {
    const verdict = this.#verdicts.get(kind);
    if (verdict === undefined || verdict.leftBytes <= 0) return undefined;
    verdict.leftBytes -= bytes;
    return verdict.share;
  }

  /** A chunk of this kind, or a sample of it, shrinks to this share. */
  learn(kind: string, bytes: number, share: number): void {
    const last = this.#verdicts.get(kind);
    const isSame = last !== undefined && last.share < this.#worthwhileShare === share < this.#worthwhileShare;
    const trustBytes = isSame ? Math.min(2 * last.trustBytes, LONGEST_TRUST_BYTES) : bytes;
    // Kinds that are not met any more must not stay for ever, and to forget one costs a sample.
    if (last === undefined && this.#verdicts.size >= MOST_KINDS) this.#verdicts.clear();
    this.#verdicts.set(kind, { share, trustBytes, leftBytes: trustBytes });
  }
}
