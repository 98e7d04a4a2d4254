import type { OfferSummary } from '../transfer/offerSummary.ts';
import type { AcceptedRecord } from './jobFiles.ts';

/**
 * What a yes covers when the same transfer is offered again after an interruption. Sources change meanwhile: a
 * log grows, a build adds files. Who said yes to a folder is not asked again because of that; who could be sent
 * something else under the same yes is.
 */

/** How much more than was agreed to is still within it: one part in ten … */
const GROWTH = 1.1;
/** … and so many files more, … */
const MORE_FILES = 16;
/** … and so many bytes. */
const MORE_BYTES = 16 * 1024 * 1024;

/** What a yes to this offer covers. */
export function agreedOf({ roots, rootCount, totals, notable }: OfferSummary): AcceptedRecord['agreed'] {
  return {
    roots: [...roots],
    rootCount,
    files: totals.files,
    bytes: totals.bytes,
    notable: notable.count,
  };
}

/** Whether an offer is within what was agreed to: the same top-level names, and not much more of anything. */
export function isWithin(
  { roots, rootCount, totals, notable }: OfferSummary,
  agreed: AcceptedRecord['agreed'] | undefined,
): boolean {
  return (
    agreed !== undefined &&
    rootCount === agreed.rootCount &&
    roots.length === agreed.roots.length &&
    roots.every((name, at) => name === agreed.roots[at]) &&
    totals.files <= agreed.files * GROWTH + MORE_FILES &&
    totals.bytes <= agreed.bytes * GROWTH + MORE_BYTES &&
    notable.count <= (agreed.notable ?? 0)
  );
}
