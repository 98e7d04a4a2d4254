import type { WickedIdentity } from '../support/wickedIdentity.ts';

/** What an attacker does: keep connections open, finish handshakes, offer and cancel, or say a byte a second. */
export const ATTACK_KINDS = ['silent', 'handshakes', 'offers', 'drip'] as const;
export type AttackKind = (typeof ATTACK_KINDS)[number];

export interface AttackOrder {
  readonly kind: AttackKind;
  readonly port: number;
  /** From how many addresses of 127.16.0.0/12 it comes; with one, from {@link FIRST_SOURCE}. */
  readonly sources: number;
  /** Connections that are begun. */
  readonly perSecond: number;
  /** Connections that are begun in all. */
  readonly most: number;
  readonly identity: Pick<WickedIdentity, 'privateKey' | 'certificate'>;
}

export interface AttackReport {
  readonly attempts: number;
  /** Connections on which the receiver did what the attack was after. */
  readonly through: number;
  /** What that is. */
  readonly meaning: string;
}

export const FIRST_SOURCE = '127.16.0.2';
