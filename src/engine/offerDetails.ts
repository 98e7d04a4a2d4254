import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { printable } from '../base/printable.ts';
import type { OfferDetails } from '../rpc/model.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';

/** What a user decides on: an offer, and what it would meet in `folder`. Both kinds of folder are absolute. */
export function offerDetails(
  { totals, roots, rootCount, largest, notable }: OfferSummary,
  {
    folder,
    workspaceFolders,
    deadlineMs,
  }: {
    readonly folder: string;
    readonly workspaceFolders: readonly string[];
    readonly deadlineMs: number;
  },
): OfferDetails {
  return {
    files: totals.files,
    folders: totals.entries - totals.files,
    bytes: totals.bytes,
    roots: roots.map((name) => printable(name)),
    rootCount,
    largest: largest.map(({ path, sizeBytes }) => ({ path: printable(path), sizeBytes })),
    notable: { count: notable.count, first: notable.first.map((path) => printable(path)) },
    folder,
    conflicts: roots.filter((name) => isTaken(join(folder, name))).length,
    isInWorkspace: workspaceFolders.some((workspace) => isInside(folder, workspace)),
    deadlineMs,
  };
}

function isTaken(location: string): boolean {
  return lstatSync(location, { throwIfNoEntry: false }) !== undefined;
}

function isInside(location: string, folder: string): boolean {
  const [inner, outer] = [realLocation(location), realLocation(folder)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

/** Where a path leads, links resolved as far as it exists. */
function realLocation(location: string): string {
  try {
    return realpathSync(location);
  } catch {
    const parent = dirname(location);
    return parent === location ? location : join(realLocation(parent), location.slice(parent.length));
  }
}
