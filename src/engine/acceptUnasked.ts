import type { StoredPolicy } from '../peers/policy.ts';
import type { EngineSettings, OfferDetails } from '../rpc/model.ts';

/** What holds for all known peers that have no policy of their own. */
export type GeneralRule = Pick<EngineSettings, 'accept' | 'acceptLimitBytes'>;

/** What holds for one of them. */
export function ruleFor(policy: StoredPolicy, general: GeneralRule): GeneralRule {
  if (policy.kind === 'default') return general;
  // A limit of 0 would be none.
  if (policy.kind !== 'accept' || policy.upToBytes < 1) return { accept: 'ask', acceptLimitBytes: 0 };
  return { accept: 'known', acceptLimitBytes: policy.upToBytes };
}

/** Files and folders; more than this would bury what a receive folder holds, however small they are. */
const MOST_ENTRIES = 100_000;

/**
 * Whether a rule accepts an offer of a known peer without a question. None accepts into an
 * open workspace, where other tools may run at once what arrives, nor names that programs obey: these are
 * pointed out in the question, and nobody would see them; nor what is not listed yet, which may become anything.
 */
export function isAcceptedUnasked(
  { files, folders, bytes, rootCount, notable, isInWorkspace }: OfferDetails,
  { accept, acceptLimitBytes }: GeneralRule,
): boolean {
  const limitBytes = acceptLimitBytes === 0 ? Number.POSITIVE_INFINITY : acceptLimitBytes;
  return (
    accept === 'known' &&
    bytes <= limitBytes &&
    files + folders <= MOST_ENTRIES &&
    rootCount > 0 &&
    notable.count === 0 &&
    !isInWorkspace
  );
}
