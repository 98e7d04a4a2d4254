/** What a known peer may do without its user being asked. */
export type PeerPolicy =
  /** Nothing of its own: what holds for all known peers. */
  | { readonly kind: 'default' }
  /** Each offer is asked about, whatever holds for others. */
  | { readonly kind: 'ask' }
  /** Offers up to so many bytes are received into a folder, an absolute path, and replace nothing there. */
  | { readonly kind: 'accept'; readonly upToBytes: number; readonly folder: string }
  /** It is let in no more than a stranger, and nothing is sent to it. */
  | { readonly kind: 'block' };

/** As it was stored: one that cannot be read asks, until another one is set. */
export type StoredPolicy = PeerPolicy | { readonly kind: 'unreadable' };
