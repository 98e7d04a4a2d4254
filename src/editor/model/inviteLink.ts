/** An invite as a link that opens the editor: `vscode://peer-courier.peer-courier/invite?AQAB…`. */

/** Publisher and name in package.json. */
const EXTENSION = 'peer-courier.peer-courier';
const PREFIX = 'peer-courier:';
const PATH = '/invite';
const BODY = /^[\w-]{40,8192}$/u;
/** The first byte of an invite to something that is shared: see `src/peers/invite.ts`. */
const SHARE = 2;
/** Where the fingerprint of who made it lies in an invite: see `src/peers/invite.ts`. */
const FINGERPRINT_AT = 1;
const FINGERPRINT_BYTES = 32;

/** `scheme`: the one that this editor answers to. */
export function inviteLink(scheme: string, invite: string): string {
  return `${scheme}://${EXTENSION}${PATH}?${invite.slice(PREFIX.length)}`;
}

/** The invite in a link; `undefined` for any other link of ours. */
export function inviteInLink({
  path,
  query,
}: {
  readonly path: string;
  readonly query: string;
}): string | undefined {
  return path === PATH && BODY.test(query) ? `${PREFIX}${query}` : undefined;
}

/** What an invite is for, by its first byte; the engine checks the rest. */
export function kindOfInvite(invite: string): 'receive' | 'share' {
  return bytesOf(invite)?.charCodeAt(0) === SHARE ? 'share' : 'receive';
}

/** The fingerprint that an invite names, 64 hexadecimal digits; it is for showing, and the engine checks the rest. */
export function fingerprintInInvite(invite: string): string | undefined {
  const bytes = bytesOf(invite);
  if (bytes === undefined) return undefined;
  const fingerprint = bytes.slice(FINGERPRINT_AT, FINGERPRINT_AT + FINGERPRINT_BYTES);
  if (fingerprint.length < FINGERPRINT_BYTES) return undefined;
  return Array.from(fingerprint, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

/** One character for each byte. */
function bytesOf(invite: string): string | undefined {
  const base64 = invite.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  try {
    return atob(base64);
  } catch {
    return undefined;
  }
}
