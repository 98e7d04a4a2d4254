import { l10n } from 'vscode';
import { assertNever } from '../../base/assertNever.ts';
import type { EditorFailure } from '../model/editorFailure.ts';
import { reasonFor } from './entryReason.ts';

/** Which way the thing went that failed; `undefined` for what is no transfer. */
export type FailureDirection = 'outgoing' | 'incoming' | undefined;

/**
 * What happened and what to do: the one place where codes become sentences in the editor. The detail may
 * be a peer's text; whoever shows the sentence makes it fit its surface.
 */
export function sentenceFor({ code, detail, origin }: EditorFailure, direction: FailureDirection): string {
  const isRemote = origin === 'remote';
  const isIncoming = direction === 'incoming';
  switch (code) {
    case 'address-unavailable':
      return l10n.t(
        'It is not possible to listen there ({0}). Set the host to an address of this machine, or leave it empty.',
        detail,
      );
    case 'busy':
      return l10n.t(
        'The peer is busy with other transfers of this device. Wait for one to end, then try again.',
      );
    case 'cancelled':
      return isRemote ? l10n.t('The peer cancelled the transfer.') : l10n.t('Cancelled.');
    case 'code-differs':
      return l10n.t(
        'The codes differ, so nobody was paired. Somebody may be between the two devices: try once more, and if they differ again, use an invite.',
      );
    case 'connection-lost':
      return l10n.t(
        'The connection to the peer was lost. What has arrived is kept; try again when both are online.',
      );
    case 'declined':
      return isIncoming
        ? l10n.t('The offer was declined.')
        : l10n.t('The peer declined the offer. Nothing was sent.');
    case 'destination-unwritable':
      return isIncoming
        ? l10n.t(
            'The folder to receive into cannot be written to ({0}). Choose another or change its permissions.',
            detail,
          )
        : l10n.t(
            'The peer cannot write to its receive folder. That must be mended over there; then try again.',
          );
    case 'disk-full':
      return isIncoming !== isRemote
        ? l10n.t('The disk of this machine is full. Make room, then try again.')
        : l10n.t('The disk of the peer is full. Room must be made over there; then try again.');
    case 'internal':
      return isRemote
        ? l10n.t('Something went wrong on the side of the peer. Look there, then try again.')
        : l10n.t('Something went wrong here that should not ({0}). The log says more.', detail);
    case 'invite-expired':
      return l10n.t('Nobody has used the invite in its ten minutes. Nothing was sent; share it again.');
    case 'other-invite':
      return l10n.t('This invite is of another kind. Use “Peer Courier: Use Invite…”, which takes both.');
    case 'invite-garbled':
      return l10n.t('This is not a whole invite. Copy it again, all of it.');
    case 'invite-refused':
      return l10n.t('The invite was used before, has expired or is not theirs. Ask the peer for a new one.');
    case 'limit-exceeded':
      return l10n.t('The offer goes beyond a limit ({0}). Send it in several parts.', detail);
    case 'not-listening':
      return direction === undefined && detail === ''
        ? l10n.t('The receiver is off. Start it first.')
        : l10n.t(
            'Nobody listens there ({0}). Ask the peer to start the receiver, and check the address.',
            detail,
          );
    case 'not-paired':
      return isRemote
        ? l10n.t('The peer does not know this device. Ask for an invite and use it here.')
        : l10n.t('That is not a known peer. Ask for an invite and use it here.');
    case 'not-pairing':
      return l10n.t('Nobody compares a code there just now. Ask the peer to begin, too, and try again.');
    case 'not-peer-courier':
      return l10n.t(
        'Something else answers there, not Peer Courier ({0}). Check the address and the port.',
        detail,
      );
    case 'nothing-to-send':
      return l10n.t('Nothing of that can be sent: links, special files and unreadable things are left out.');
    case 'pairing-broken-off':
      return l10n.t(
        'The comparison ended before both had said yes, so nobody was paired. Try again, together.',
      );
    case 'pairing-paused':
      return l10n.t(
        'Three comparisons have failed, so there is none for {0} minutes. Use an invite.',
        detail,
      );
    case 'peer-blocked':
      return l10n.t('That peer is blocked here ({0}). Change its policy first.', detail);
    case 'peer-name-taken':
      return l10n.t('Another peer is called “{0}”. Choose another name.', detail);
    case 'port-in-use':
      return l10n.t('Another program uses the port already ({0}). Stop it, or set another port.', detail);
    case 'protocol-error':
      return l10n.t('The two sides do not understand each other. Update Peer Courier on both.');
    case 'source-missing':
      return l10n.t('There is no such file or folder: {0}. Nothing was sent.', detail);
    case 'state-unusable':
      return isRemote
        ? l10n.t('The peer cannot use its own storage. That must be mended over there; then try again.')
        : l10n.t('The storage of Peer Courier cannot be used ({0}). Mend or remove that file.', detail);
    case 'timed-out':
      return l10n.t(
        'The peer does not answer. Check that it is running and that no firewall stands between, then try again.',
      );
    case 'unreachable':
      return l10n.t(
        'The peer cannot be reached ({0}). Check the address, the network and the firewall.',
        detail,
      );
    case 'version-mismatch':
      return l10n.t('The peer speaks another version of the protocol. Update Peer Courier on both sides.');
    case 'wrong-identity':
      return l10n.t(
        'Another device answers there than the one you trust ({0}), so nothing was sent. Do not go on unless you know why; ask for a new invite if its identity was made anew.',
        detail,
      );
    case 'gone':
      return l10n.t('That is not there any more: it was answered, has ended or has expired.');
    case 'engine-unavailable':
      return l10n.t(
        'The Peer Courier engine could not be started ({0}). Try again; the log says more.',
        detail,
      );
    case 'engine-newer':
      return l10n.t('Another window already runs a newer version of Peer Courier. Reload this window.');
    case 'place-unusable':
      return l10n.t(
        'This cannot be sent or used from here: {0}. Save it as a file, or choose a place on this machine.',
        detail,
      );
    case 'name-refused':
      return l10n.t(
        'A name cannot be sent, because not every system can store it: {0}. Rename it and try again.',
        detail,
      );
    case 'name-taken':
    case 'source-changed':
    case 'source-unreadable':
    case 'source-vanished':
    case 'disk-error':
      return detail === ''
        ? l10n.t('One of the files could not be sent: {0}.', reasonFor(code))
        : l10n.t('“{0}” could not be sent: {1}.', detail, reasonFor(code));
    default:
      return assertNever(code);
  }
}
