/**
 * What a device tells the local network while its receiver is on: that somebody listens, and where. It is a hint and
 * nothing else; who listens there is decided by its key. It carries no name of a user or a machine.
 */
export interface Announcement {
  /** 16 hexadecimal digits, random, others each time the receiver is turned on: nobody is recognised by it. */
  readonly instance: string;
  readonly port: number;
  /** The name that its user has set for others to see; a stranger's text. */
  readonly deviceName: string | undefined;
}

/** What names an instance; anything else is none of ours. */
export const INSTANCE = /^[0-9a-f]{16}$/u;
