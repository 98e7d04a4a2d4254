import { concatBytes, equalBytes, fromHex, toHex, utf8 } from '../base/bytes.ts';
import type { Hashing } from '../base/hashing.ts';
import { DIGEST_BYTES } from '../protocol/digest.ts';
import type { Join } from '../protocol/lane.ts';

/**
 * Binds further connections to a session. Its first connection has an exporter that only its two ends know; a name
 * for the session and a key are derived from that, under labels of their own, and nothing of it ever travels. Whoever
 * joins shows with an HMAC over the exporter of the *new* connection that it has the key: a proof that was recorded
 * or passed on fits no other connection.
 */
export class LaneKey {
  readonly #hashing: Hashing;
  readonly #key: Uint8Array;
  /** Names the session, 32 hexadecimal digits. */
  readonly session: string;

  /** `exporter`: of the session's first connection, 32 bytes. */
  constructor(hashing: Hashing, exporter: Uint8Array) {
    this.#hashing = hashing;
    this.#key = hashing.hmacSha256(exporter, utf8('peer-courier/1 lane key'));
    this.session = toHex(hashing.hmacSha256(exporter, utf8('peer-courier/1 lane session')).subarray(0, 16));
  }

  /** What the connection with this exporter says to join as the lane of this number. */
  join(lane: number, exporter: Uint8Array): Join {
    return { session: this.session, lane, mac: toHex(this.#mac(lane, exporter)) };
  }

  /** Whether a join that came over the connection with this exporter is good. */
  fits({ session, lane, mac }: Join, exporter: Uint8Array): boolean {
    const theirs = fromHex(mac);
    if (session !== this.session || theirs?.length !== DIGEST_BYTES) return false;
    return equalBytes(theirs, this.#mac(lane, exporter));
  }

  #mac(lane: number, exporter: Uint8Array): Uint8Array {
    const message = [utf8(`peer-courier/1 lane ${lane} `), exporter];
    return this.#hashing.hmacSha256(this.#key, concatBytes(message));
  }
}
