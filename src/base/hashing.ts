/** Port to the hash functions of the platform (SHA-2 only: BoringSSL has no BLAKE2 or SHA-3 by name). */
export interface Hashing {
  /** SHA-256 of `bytes`, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** A SHA-256 fed piece by piece. */
  startSha256(): IncrementalHash;
  /** HMAC-SHA-256 (RFC 2104), 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}

export interface IncrementalHash {
  update(bytes: Uint8Array): void;
  /** Ends the hash; no further use. */
  digest(): Uint8Array;
}
