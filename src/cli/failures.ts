import { CourierError } from '../base/failure.ts';
import type { EntryFailure, FailureCode, SessionFailure } from '../base/failure.ts';
import type { LeftOutReason } from '../transfer/ports.ts';
import type { SessionEnd } from '../transfer/sessionPump.ts';
import type { Output } from './output.ts';

/**
 * What a failure means to whoever runs the program: an exit status of its own and a sentence that says
 * what happened and what to do. The one place where codes become words for the terminal.
 */

export const SUCCESS = 0;
/** Wrong arguments. */
export const USAGE_STATUS = 2;
/** Some entries failed, for several reasons. */
export const PARTIAL_STATUS = 3;
/** No transfer here has that id, or several do, or it is not one for that command. */
export const NO_SUCH_TRANSFER_STATUS = 37;
/** No peer here has that name or fingerprint, or several begin with it. */
export const NO_SUCH_PEER_STATUS = 43;
/** The doctor has found something that stands in the way. */
export const DOCTOR_STATUS = 50;
/** All went well, but what there was to say of it could not be written. */
export const UNSAID_STATUS = 51;
export const INTERRUPTED_STATUS = 130;

const STATUSES: Readonly<Record<FailureCode, number>> = {
  internal: 1,
  'not-listening': 10,
  unreachable: 11,
  'not-peer-courier': 12,
  'wrong-identity': 13,
  'invite-garbled': 14,
  'invite-refused': 15,
  'not-paired': 16,
  declined: 17,
  'disk-full': 18,
  'source-changed': 19,
  'name-refused': 20,
  'source-missing': 21,
  'source-unreadable': 22,
  'source-vanished': 23,
  'destination-unwritable': 24,
  'disk-error': 25,
  'name-taken': 26,
  'port-in-use': 27,
  'address-unavailable': 28,
  'connection-lost': 29,
  'timed-out': 30,
  'version-mismatch': 31,
  'protocol-error': 32,
  'limit-exceeded': 33,
  busy: 34,
  'nothing-to-send': 35,
  'state-unusable': 36,
  'code-differs': 38,
  'not-pairing': 39,
  'pairing-paused': 40,
  'pairing-broken-off': 46,
  'peer-blocked': 41,
  'peer-name-taken': 42,
  'other-invite': 44,
  'invite-expired': 45,
  cancelled: INTERRUPTED_STATUS,
};

export function statusOf(code: FailureCode): number {
  return STATUSES[code];
}

/** Whose side of the transfer a sentence speaks to, and who ended it. */
export interface Viewpoint {
  readonly role: 'sender' | 'receiver';
  readonly origin: 'local' | 'remote';
  /** Whether what has arrived is kept, so that the transfer can go on; otherwise it begins anew. */
  readonly isKept?: boolean;
  /** The receiver has dialled, for something that the other device shares. */
  readonly isFetching?: boolean;
}

/** The sentence for a failure of the whole. `detail` names the thing: a path, an address. */
export function sentenceFor(
  code: SessionFailure | EntryFailure,
  { role, origin, isKept = false, isFetching = false }: Viewpoint,
  detail = '',
): string {
  const isSender = role === 'sender';
  const again = isKept ? 'resume it' : isFetching ? 'try again' : 'send again';
  const other = isSender ? 'receiver' : 'sender';
  switch (code) {
    case 'not-listening':
      if (isFetching) {
        return `Nobody shares anything there (${detail}). Check that "peer-courier send … --share" or the window still runs on the other machine.`;
      }
      return isSender
        ? `Nobody listens there (${detail}). Start "peer-courier receive" on the other machine, and check the address.`
        : 'No receiver runs here. Start "peer-courier receive" first, with the same --state.';
    case 'unreachable':
      return `The other machine cannot be reached (${detail}). Check the address, the network and the firewall.`;
    case 'timed-out':
      return `The other side does not answer. Check that it runs and that no firewall stands between, then ${again}.`;
    case 'not-peer-courier':
      return 'Something else answers there, not Peer Courier. Check the address and the port.';
    case 'wrong-identity':
      return `Another device answers there than the one you trust (${detail}), so nothing was sent. Do not go on unless you know why; ask for a new invite if its identity was made anew.`;
    case 'invite-garbled':
      return `This is not a whole invite: ${detail}. Copy it again, all of it.`;
    case 'other-invite':
      return isSender
        ? 'This invite is to something that its maker shares: "peer-courier receive --folder DIR --from-file FILE" fetches that. To send, ask for an invite of a receiver.'
        : 'Whoever made this invite wants to be sent something: "peer-courier send PATH --invite-file FILE" does that. To receive, ask for an invite of "peer-courier send PATH --share".';
    case 'invite-expired':
      return 'Nobody has used the invite in its ten minutes. Nothing was sent; share it again.';
    case 'invite-refused':
      if (isFetching) {
        return 'What the invite leads to is not shared with this device: it was fetched by somebody else, has ended or has expired. Ask for a new one: "peer-courier send … --share" on the other machine.';
      }
      return 'The invite was used before, has expired or is not theirs. Ask for a new one: "peer-courier invite" on the receiving side.';
    case 'not-paired':
      if (isFetching && origin === 'remote') {
        return 'The sender does not know this device, or shares nothing. Ask for a new invite.';
      }
      return origin === 'remote'
        ? 'The receiver does not know this device. Ask for an invite ("peer-courier invite" on the receiving side) and use it with --invite-file.'
        : `That is not a known peer (${detail}). Ask for an invite and use it with --invite-file.`;
    case 'not-pairing':
      return 'Nobody compares a code there just now. Start "peer-courier pair" on the other machine, or "Pair by Code…" in its window, then try again.';
    case 'pairing-broken-off':
      return 'The comparison ended before both users had said yes, so nobody was paired. Try again, together.';
    case 'pairing-paused':
      return `Three comparisons have failed, so there is none for ${detail} minutes. Use an invite: "peer-courier invite" on the receiving side.`;
    case 'peer-blocked':
      return `That peer is blocked here (${detail}). Let it in again first: "peer-courier peers default NAME", with the same --state.`;
    case 'peer-name-taken':
      return `Another peer here is called ${detail}. Choose another name.`;
    case 'code-differs':
      return 'The codes differ, so nobody was paired. Somebody may be between the two devices: try once more, and if they differ again, use an invite.';
    case 'declined':
      return isSender ? 'The receiver declined the offer. Nothing was sent.' : 'The offer was declined.';
    case 'disk-full':
      return origin === 'remote' || !isSender
        ? `The disk of the ${isSender ? 'receiver' : 'receive folder'} is full. Make room there and ${again}.`
        : 'The disk of the state folder is full. Make room, or name another with --state.';
    case 'destination-unwritable':
      return isSender
        ? `The receiver cannot write to its receive folder. ${isKept ? 'It' : 'Nothing was sent; it'} must be mended over there${isKept ? '; then resume it' : ''}.`
        : `The receive folder cannot be written to (${detail}). Choose another with --folder or change its permissions.`;
    case 'source-missing':
      return `There is no such file or folder: ${detail}.${isKept ? '' : ' Nothing was sent.'}`;
    case 'nothing-to-send':
      return 'Nothing of that can be sent: links, special files and unreadable things are left out.';
    case 'name-refused':
      return `A name cannot be sent, because not every system can store it: ${detail}. Rename it and send again.`;
    case 'port-in-use':
      return `${capitalise(detail)} already. Stop the other program, or choose another port with --port.`;
    case 'address-unavailable':
      return `It is not possible to listen there (${detail}). Give --host an address of this machine.`;
    case 'connection-lost':
      if (isFetching) return `The connection was lost. ${capitalise(again)}.`;
      return isSender
        ? `The connection was lost. ${capitalise(again)}.`
        : 'The connection was lost. Nothing was left half-received; the sender can send again.';
    case 'version-mismatch':
      return 'The other side speaks another version of the protocol. Update Peer Courier on both.';
    case 'protocol-error':
      return `The ${other} does not keep to the protocol, so the transfer was stopped. Update Peer Courier on both sides.`;
    case 'limit-exceeded':
      return `The offer goes beyond a limit (${detail}). Send it in several parts.`;
    case 'busy':
      if (isSender && origin === 'local') {
        return 'This transfer runs already, in another process here. Wait for it, or stop that one first.';
      }
      if (isFetching) return `The sender is busy with this transfer. Wait a moment, then ${again}.`;
      return isSender
        ? `The receiver is busy with other transfers of this device. Wait for one to end, then ${again}.`
        : 'This sender has too many transfers running at once.';
    case 'state-unusable':
      return origin === 'remote'
        ? `The ${other} cannot use its own state folder. That must be mended over there; then ${again}.`
        : `The state cannot be used: ${detail}. Mend or remove that file, or name another folder with --state.`;
    case 'cancelled':
      return origin === 'remote' ? `The ${other} cancelled the transfer.` : 'Cancelled.';
    case 'internal':
      return origin === 'remote'
        ? `Something went wrong on the side of the ${other}. Look there, then ${again}.`
        : `Something went wrong here that should not: ${detail}.`;
    case 'source-changed':
    case 'source-unreadable':
    case 'source-vanished':
    case 'disk-error':
    case 'name-taken':
      return `${capitalise(reasonFor(code))}.`;
  }
}

/** What happened, as the middle of a sentence: for an interruption that is waited out, without advice. */
export function interruptionFor(
  code: FailureCode | 'gone',
  { role, origin }: Viewpoint,
  detail = '',
): string {
  const [here, there] = role === 'sender' ? ['sender', 'receiver'] : ['receiver', 'sender'];
  const about = detail === '' || origin === 'remote' ? '' : ` (${detail})`;
  switch (code) {
    case 'connection-lost':
      return 'the connection was lost';
    case 'timed-out':
      return 'the other side does not answer';
    case 'not-listening':
      return `nobody listens there${about}`;
    case 'unreachable':
      return `the other machine cannot be reached${about}`;
    case 'not-peer-courier':
      return 'something else answers there';
    case 'disk-full':
      return role === 'receiver' || origin === 'remote'
        ? 'the disk of the receiver is full'
        : 'the disk of the state folder is full';
    case 'destination-unwritable':
      return `the receive folder cannot be used${about}`;
    case 'disk-error':
      return 'the receiver could not write something';
    case 'busy':
      return `the ${origin === 'local' ? here : there} is busy with this transfer or others`;
    case 'cancelled':
      return `the ${origin === 'local' ? here : there} stopped it`;
    case 'gone':
    case 'internal':
      return `something went wrong on the side of the ${origin === 'local' ? here : there}`;
    default:
      return sentenceFor(code, { role, origin, isKept: true }, detail).replace(/\.$/u, '');
  }
}

/** A few words for one entry. */
export function reasonFor(reason: EntryFailure | LeftOutReason): string {
  switch (reason) {
    case 'link':
      return 'a symbolic link';
    case 'special':
      return 'neither a file nor a folder';
    case 'name-refused':
      return 'its name cannot be stored on every system';
    case 'name-taken':
      return 'its name is taken over there';
    case 'source-changed':
      return 'it changed while it was being sent';
    case 'source-unreadable':
      return 'it cannot be read';
    case 'source-vanished':
      return 'it is gone';
    case 'disk-error':
      return 'the receiver could not write it';
    case 'ignored':
      return 'git ignores it';
    case 'secret':
      return 'its name is that of a secret';
  }
}

export interface Explanation {
  readonly code: FailureCode;
  readonly status: number;
  readonly sentence: string;
}

/** Says why a command ends without what it was to do. Returns its exit status. */
export function tellFailure({ code, status, sentence }: Explanation, output: Output): number {
  output.event('failed', { code, status, message: sentence });
  output.problem(sentence);
  return status;
}

/** Status and sentence for an error that was thrown. */
export function explainError(
  error: unknown,
  role: Viewpoint['role'],
  { isKept = false, isFetching = false } = {},
): Explanation {
  const code = CourierError.is(error) ? error.code : 'internal';
  const detail = error instanceof Error ? error.message : String(error);
  return {
    code,
    status: statusOf(code),
    sentence: sentenceFor(code, { role, origin: 'local', isKept, isFetching }, detail),
  };
}

/** Status and sentence for a session that ended before its time. */
export function explainEnd(
  { origin, close }: SessionEnd,
  role: Viewpoint['role'],
  { isKept = false } = {},
): Explanation {
  // The peer is done before it should be: whatever it means by that, it is not what was agreed.
  const code = close.code === 'done' ? 'protocol-error' : close.code;
  const detail = origin === 'local' ? (close.message ?? '') : '';
  return { code, status: statusOf(code), sentence: sentenceFor(code, { role, origin, isKept }, detail) };
}

/** The status for entries that failed: that of the reason if there is one, a general one for several. */
export function partialStatus(reasons: Iterable<EntryFailure>): number {
  const statuses = new Set([...reasons].map(statusOf));
  const [only] = statuses;
  return statuses.size === 1 && only !== undefined ? only : PARTIAL_STATUS;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
