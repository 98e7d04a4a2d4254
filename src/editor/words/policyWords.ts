import { l10n } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import * as numbers from './numbers.ts';

/** What a peer may do, in a few words; `undefined` if nothing was decided for it alone. */
export function policyWords(policy: PeerSummary['policy']): string | undefined {
  switch (policy.kind) {
    case 'default':
      return undefined;
    case 'ask':
      return l10n.t('asks every time');
    case 'accept':
      return l10n.t('accepts up to {0}', numbers.bytes(policy.upToBytes));
    case 'block':
      return l10n.t('blocked');
    case 'unreadable':
      return l10n.t('its policy cannot be read: asks every time');
  }
}
