import { concatBytes, equalBytes } from '../base/bytes.ts';
import { CourierError, isSourceFailure } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import type { PackChunk } from '../protocol/chunkLayout.ts';
import type { PackStatus } from '../protocol/chunkReply.ts';
import type { Ledger, LedgerPage } from './ledger.ts';
import type { Source, SourceFile } from './ports.ts';
import type { SourcePageItem } from './sourcePage.ts';

/** What a pack is made of. */
export interface GatheringTools {
  readonly source: Source;
  readonly ledger: Ledger<SourcePageItem>;
  readonly hashing: Hashing;
}

/** A pack as it is sent. */
export interface GatheredPack {
  /** One for each file of the chunk. */
  readonly statuses: readonly PackStatus[];
  /** SHA-256 over the digests of the files whose bytes are sent. */
  readonly digest: Uint8Array;
  /** Their bytes, joined. */
  readonly raw: Uint8Array;
  /** Bytes that the receiver has already. */
  readonly heldBytes: number;
}

/**
 * Reads the files of a pack, and writes down those that could be read; `have` is what the receiver told of each. The
 * caller says what becomes of the others.
 */
export async function gatherPack(
  { source, ledger, hashing }: GatheringTools,
  { page, chunk }: { readonly page: LedgerPage<SourcePageItem>; readonly chunk: PackChunk },
  have: readonly (Uint8Array | undefined)[],
): Promise<GatheredPack> {
  const statuses: PackStatus[] = chunk.entries.map((position) => {
    const outcome = ledger.page(page.page).outcomeOf(position);
    return isSourceFailure(outcome) ? outcome : 'bytes';
  });
  const asked = [...statuses.keys()].filter((at) => statuses[at] === 'bytes');
  const { bytes, failures } = await source.readSmall(asked.map((at) => fileIn(page, chunk.entries[at] ?? 0)));
  const digests: Uint8Array[] = [];
  let read = 0;
  let kept = 0;
  asked.forEach((at, nth) => {
    const failure = failures[nth];
    if (failure !== undefined) {
      statuses[at] = failure;
      return;
    }
    const end = read + (chunk.sizes[at] ?? 0);
    const digest = hashing.sha256(bytes.subarray(read, end));
    ledger.recordSmall(page.page, chunk.entries[at] ?? 0, digest);
    const held = have[at];
    if (held !== undefined && equalBytes(held, digest)) statuses[at] = 'same';
    else {
      // What is not sent leaves no gap.
      if (kept < read) bytes.copyWithin(kept, read, end);
      kept += end - read;
      digests.push(digest);
    }
    read = end;
  });
  const digest = hashing.sha256(concatBytes(digests));
  return { statuses, digest, raw: bytes.subarray(0, kept), heldBytes: read - kept };
}

/** The file at a position of a page, as it was listed. */
export function fileIn(page: LedgerPage<SourcePageItem>, position: number): SourceFile {
  const { entry, version } = page.itemAt(position);
  if (entry.kind !== 'file' || version === undefined) {
    throw new CourierError('internal', 'a chunk of a folder');
  }
  return { entry, version };
}
