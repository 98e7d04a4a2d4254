import type { EditorFailureCode } from './editorFailure.ts';

/** What a button under a failure does. */
export type Remedy =
  | 'showLog'
  | 'setFolder'
  | 'setPort'
  | 'setHost'
  | 'useInvite'
  | 'reload'
  | 'setPolicy'
  | 'checkConnection';

/** Those that mend it from here, or say what would; the best first. */
export function remediesFor(code: EditorFailureCode, origin: 'local' | 'remote'): readonly Remedy[] {
  switch (code) {
    case 'internal':
    case 'engine-unavailable':
    case 'state-unusable':
    case 'protocol-error':
      return ['showLog'];
    case 'engine-newer':
      return ['reload'];
    case 'destination-unwritable':
      return origin === 'local' ? ['setFolder'] : [];
    case 'port-in-use':
      return ['setPort', 'checkConnection'];
    case 'address-unavailable':
      return ['setHost', 'checkConnection'];
    case 'not-listening':
    case 'not-peer-courier':
    case 'timed-out':
    case 'unreachable':
      return ['checkConnection'];
    case 'not-paired':
    case 'invite-garbled':
    case 'invite-refused':
    case 'other-invite':
    case 'code-differs':
    case 'pairing-broken-off':
    case 'pairing-paused':
    case 'wrong-identity':
      return ['useInvite'];
    case 'peer-blocked':
      return ['setPolicy'];
    case 'busy':
    case 'cancelled':
    case 'connection-lost':
    case 'declined':
    case 'disk-error':
    case 'disk-full':
    case 'gone':
    case 'invite-expired':
    case 'limit-exceeded':
    case 'name-refused':
    case 'name-taken':
    case 'not-pairing':
    case 'nothing-to-send':
    case 'peer-name-taken':
    case 'place-unusable':
    case 'source-changed':
    case 'source-missing':
    case 'source-unreadable':
    case 'source-vanished':
    case 'version-mismatch':
      return [];
  }
}

/**
 * What a check of the connection is about, after a failure with this detail: its own port, for one of those that
 * concern it, the address that the detail is, or `undefined`: then the user is asked.
 */
export function checkTarget(code: EditorFailureCode, detail: string): string | undefined {
  if (code === 'port-in-use' || code === 'address-unavailable') return '';
  return /^(?:\[[\da-f.:]+(?:%[\w.-]+)?\]|[\w.-]+):\d{1,5}$/iu.test(detail) ? detail : undefined;
}
