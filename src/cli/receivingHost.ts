import { printable } from '../base/printable.ts';
import type { IncomingHost } from '../engine/incomingTransfers.ts';
import type { StateFolder } from '../engine/stateFolder.ts';
import { folderFor, UnaskedConsent } from '../engine/unaskedConsent.ts';
import { backgroundClock } from '../node/clock.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { StoredPolicy } from '../peers/policy.ts';
import { askConsent } from './consent.ts';
import type { TransferState } from './leftTransfers.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import type { ReceivingWords } from './receivingWords.ts';

/** On which terms a terminal receives. */
export interface Terms {
  readonly accept: 'known' | 'ask';
  readonly onConflict: ConflictPolicy;
  /** Absolute: the receive folder. */
  readonly location: string;
  readonly open: () => ReceiveFolder;
}

/** Whether a peer's offers are taken whatever they are: it has no rule of its own, and the general one is that. */
export function takesAll(
  { accept }: Pick<Terms, 'accept'>,
  { folder }: TransferState,
  fingerprint: Fingerprint,
): boolean {
  if (accept !== 'known') return false;
  try {
    return policyOf(folder, fingerprint).kind === 'default';
  } catch {
    // It is not let in anyway; that says why.
    return false;
  }
}

/** One that is about to be invited has none. */
function policyOf({ peers }: StateFolder, fingerprint: Fingerprint): StoredPolicy {
  return peers.find(fingerprint)?.policy ?? { kind: 'default' };
}

/** What a terminal decides for the offers that come in. */
export function hostOf(
  terms: Terms,
  { state, output }: { readonly state: TransferState; readonly output: Output },
  words: () => ReceivingWords | undefined,
): IncomingHost {
  const { accept, onConflict, location, open } = terms;
  const screen = { pause: () => words()?.pause(), resume: () => words()?.resume() };
  const ask = process.stdin.isTTY ? askConsent(output, screen) : undefined;
  const countInterrupted = (fingerprint: string): number =>
    state.accepted.list().filter(({ peer }) => peer === fingerprint).length;
  const unasked = new UnaskedConsent(backgroundClock, countInterrupted);
  return {
    // What is noted now and then keeps no process from ending.
    clock: backgroundClock,
    records: state.accepted,
    history: state.history,
    logger: logTo(output),
    receiveFolder: ({ fingerprint }) => folderFor(policyOf(state.folder, fingerprint), location),
    decide: async (peer, summary, { details, signal }) => {
      const { name, fingerprint } = peer;
      const policy = policyOf(state.folder, fingerprint);
      if (policy.kind === 'default' && accept === 'known') return { folder: open(), onConflict };
      const own = unasked.decide({ fingerprint, policy }, details, { accept: 'ask', acceptLimitBytes: 0 });
      // Nobody is there who could see what would be replaced.
      if (own !== undefined) return { folder: own, onConflict: onConflict === 'skip' ? 'skip' : 'keep-both' };
      if (ask === undefined) {
        output.event('unanswered', { peer: name, fingerprint, transfer: summary.transfer });
        output.problem(`${printable(name)} is to be asked about, and there is no terminal to ask on.`);
        return 'declined';
      }
      if (!(await ask(peer, summary, { signal }))) return 'declined';
      return { folder: ReceiveFolder.open(details.folder), onConflict };
    },
    takesEverything: ({ fingerprint }) => takesAll(terms, state, fingerprint),
    lock: (id) => state.locks.take(id),
    workspaceFolders: () => [],
    ask: nothing,
    changed: nothing,
    received: nothing,
  };
}

/** There are no windows that would have to hear of it. */
function nothing(): void {
  // The observer has said it.
}
