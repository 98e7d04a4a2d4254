import type { Facts } from './facts.ts';
import type { AdviceLine, Finding, FindingState, Said } from './report.ts';

/** Puts a finding together. */
export function found(state: FindingState, said: Said, lines: readonly AdviceLine[] = []): Finding {
  return { ...said, state, lines };
}

/**
 * What keeps connections out is in the way of who wants to be reached. Whoever asks about a peer wants to reach that
 * one, and is only told.
 */
export function stateOfShutDoor({ peer }: Facts): FindingState {
  return peer === undefined ? 'problem' : 'note';
}
