import { l10n } from 'vscode';
import { assertNever } from '../../base/assertNever.ts';
import type { EntryFailure } from '../../base/failure.ts';

/** A few words for one entry that did not arrive. */
export function reasonFor(reason: EntryFailure): string {
  switch (reason) {
    case 'name-refused':
      return l10n.t('its name cannot be stored on every system');
    case 'name-taken':
      return l10n.t('its name is taken over there');
    case 'source-changed':
      return l10n.t('it changed while it was being sent');
    case 'source-unreadable':
      return l10n.t('it cannot be read');
    case 'source-vanished':
      return l10n.t('it is gone');
    case 'disk-error':
      return l10n.t('the receiver could not write it');
    default:
      return assertNever(reason);
  }
}
