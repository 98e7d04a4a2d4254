import { statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { StoredPolicy } from '../peers/policy.ts';
import type { OfferDetails } from '../rpc/model.ts';
import { isAcceptedUnasked, ruleFor } from './acceptUnasked.ts';
import type { GeneralRule } from './acceptUnasked.ts';
import { UnaskedAllowance } from './unaskedAllowance.ts';

/** A peer that has left so many unfinished gets no more accepted without a question. */
const MOST_LEFT_UNASKED = 16;

/** Where what a peer offers goes unless somebody says otherwise: into a folder of its own, if it has one. */
export function folderFor(policy: StoredPolicy, receiveFolder: string): string {
  return policy.kind === 'accept' ? policy.folder : receiveFolder;
}

/** Decides on offers of known peers without their user, by each peer's own policy or else by the general rule. */
export class UnaskedConsent {
  readonly #allowance: UnaskedAllowance;
  readonly #countInterrupted: (fingerprint: string) => number;

  /** `countInterrupted`: how many transfers of a peer wait for it to come back. */
  constructor(clock: Clock, countInterrupted: (fingerprint: string) => number) {
    this.#allowance = new UnaskedAllowance(clock);
    this.#countInterrupted = countInterrupted;
  }

  /** The folder that the offer is accepted into; `undefined`: somebody has to be asked. Nothing there is replaced. */
  decide(
    peer: { readonly fingerprint: string; readonly policy: StoredPolicy },
    details: OfferDetails,
    general: GeneralRule,
  ): ReceiveFolder | undefined {
    const { fingerprint, policy } = peer;
    const rule = ruleFor(policy, general);
    if (!isAcceptedUnasked(details, rule) || !isItsFolder(policy, details.folder)) return undefined;
    if (this.#countInterrupted(fingerprint) >= MOST_LEFT_UNASKED) return undefined;
    const { bytes, files, folders } = details;
    const offer = { bytes, entries: files + folders };
    if (!this.#allowance.take(fingerprint, offer, rule.acceptLimitBytes)) return undefined;
    return ReceiveFolder.open(details.folder);
  }
}

/**
 * Another process may have changed the policy since the offer was looked at. And a folder that was named once and is
 * not there now is not made anew: its disk may not be mounted, and nobody would see what fills the one below.
 */
function isItsFolder(policy: StoredPolicy, folder: string): boolean {
  if (policy.kind !== 'accept') return true;
  return policy.folder === folder && statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}
