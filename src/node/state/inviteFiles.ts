import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, unlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { fromHex } from '../../base/bytes.ts';
import { INVITE_ID_BYTES, INVITE_LIFE_MS, INVITE_TOKEN_BYTES, inviteName } from '../../peers/invite.ts';
import { readStateFile, writeNewFile } from './stateFile.ts';

const schema = v.strictObject({ token: v.string(), madeAtMs: v.number(), bootMs: v.number() });

/** Milliseconds by the two clocks that an invite's life is measured on. */
export interface InviteClock {
  wallMs(): number;
  /** Since the machine started: nobody can set it back, but a reboot does. */
  bootMs(): number;
}

const systemInviteClock: InviteClock = { wallMs: () => Date.now(), bootMs: () => uptime() * 1000 };

/**
 * The invites that are still good, one file each, mode 0600, so that `peer-courier invite` can make one
 * for a receiver that runs already. An invite ends after ten minutes by whichever clock says so first;
 * neither a clock set back nor a reboot makes it longer.
 */
export class InviteFiles {
  readonly #folder: string;
  readonly #clock: InviteClock;

  constructor(folder: string, clock: InviteClock = systemInviteClock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  create(): { readonly id: Uint8Array; readonly token: Uint8Array } {
    this.#removeExpired();
    const id = randomBytes(INVITE_ID_BYTES);
    const token = randomBytes(INVITE_TOKEN_BYTES);
    const stored = {
      token: token.toString('hex'),
      madeAtMs: this.#clock.wallMs(),
      bootMs: this.#clock.bootMs(),
    };
    writeNewFile(this.#fileOf(inviteName(id)), JSON.stringify(stored));
    return { id, token };
  }

  /** The token of a good invite. `invite` is a peer's text: sixteen hexadecimal digits by its schema. */
  tokenOf(invite: string): Uint8Array | undefined {
    if (!isInviteName(invite)) return undefined;
    try {
      const { token, madeAtMs, bootMs } = v.parse(schema, JSON.parse(readStateFile(this.#fileOf(invite))));
      const isGood =
        isWithinLife(this.#clock.wallMs() - madeAtMs) && isWithinLife(this.#clock.bootMs() - bootMs);
      const bytes = fromHex(token);
      return isGood && bytes?.length === INVITE_TOKEN_BYTES ? bytes : undefined;
    } catch {
      // Unknown, spent or damaged: to whoever asks it is all the same.
      return undefined;
    }
  }

  /** Spends an invite. Removing its file is what makes it single: only one caller can. */
  redeem(invite: string): boolean {
    if (!isInviteName(invite)) return false;
    try {
      unlinkSync(this.#fileOf(invite));
      return true;
    } catch {
      return false;
    }
  }

  #removeExpired(): void {
    for (const file of listFiles(this.#folder)) {
      const invite = file.replace(/\.json$/u, '');
      if (this.tokenOf(invite) === undefined) rmSync(join(this.#folder, file), { force: true });
    }
  }

  #fileOf(invite: string): string {
    return join(this.#folder, `${invite}.json`);
  }
}

/** Only such a text may become part of a path. */
function isInviteName(text: string): boolean {
  return fromHex(text)?.length === INVITE_ID_BYTES;
}

function isWithinLife(ageMs: number): boolean {
  return ageMs >= 0 && ageMs < INVITE_LIFE_MS;
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}
