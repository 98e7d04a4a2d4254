import type { EngineSettings, OfferDetails } from '../rpc/model.ts';

/** Files and folders; more than this would bury what a receive folder holds, however small they are. */
const MOST_ENTRIES = 100_000;

/**
 * Whether the user's settings accept an offer of a known peer without a question. They do not accept into an
 * open workspace, where other tools may run at once what arrives, nor names that programs obey: these are
 * pointed out in the question, and nobody would see them.
 */
export function isAcceptedUnasked(
  { files, folders, bytes, notable, isInWorkspace }: OfferDetails,
  { accept, acceptLimitBytes }: EngineSettings,
): boolean {
  const limitBytes = acceptLimitBytes === 0 ? Number.POSITIVE_INFINITY : acceptLimitBytes;
  return (
    accept === 'known' &&
    bytes <= limitBytes &&
    files + folders <= MOST_ENTRIES &&
    notable.count === 0 &&
    !isInWorkspace
  );
}
