import type { EditorFailureCode } from './editorFailure.ts';

/** What a button under a failure does. */
export type Remedy = 'showLog' | 'setFolder' | 'setPort' | 'setHost' | 'useInvite' | 'setPolicy' | 'reload';

/** The one that mends it from here; `undefined` if there is none. */
export function remedyFor(code: EditorFailureCode, origin: 'local' | 'remote'): Remedy | undefined {
  switch (code) {
    case 'internal':
    case 'engine-unavailable':
    case 'state-unusable':
    case 'protocol-error':
      return 'showLog';
    case 'engine-newer':
      return 'reload';
    case 'destination-unwritable':
      return origin === 'local' ? 'setFolder' : undefined;
    case 'port-in-use':
      return 'setPort';
    case 'address-unavailable':
      return 'setHost';
    case 'not-paired':
    case 'invite-garbled':
    case 'invite-refused':
    case 'other-invite':
    case 'code-differs':
    case 'pairing-paused':
    case 'wrong-identity':
      return 'useInvite';
    case 'peer-blocked':
      return 'setPolicy';
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
    case 'not-listening':
    case 'not-pairing':
    case 'not-peer-courier':
    case 'nothing-to-send':
    case 'peer-name-taken':
    case 'place-unusable':
    case 'source-changed':
    case 'source-missing':
    case 'source-unreadable':
    case 'source-vanished':
    case 'timed-out':
    case 'unreachable':
    case 'version-mismatch':
      return undefined;
  }
}
