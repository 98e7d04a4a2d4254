import { chmodSync, closeSync, openSync, readSync, rmSync } from 'node:fs';
import { CourierError } from '../base/failure.ts';
import { nodeHashing } from '../node/hashing.ts';
import { isErrno } from '../node/disk/errno.ts';
import { replaceFile } from '../node/state/stateFile.ts';
import { parseInvite } from '../peers/invite.ts';
import type { Invite, InviteKind } from '../peers/invite.ts';

/** More than any invite; nothing larger is read. */
const MOST_BYTES = 64 * 1024;

/** The invite in a file, or on the standard input for `-`. */
export function readInvite(path: string, kind: InviteKind = 'receive'): Invite {
  return parseInvite(nodeHashing, readText(path), kind);
}

/** Writes an invite, mode 0600. A file that holds anything else than an older invite is not touched. */
export function writeInvite(path: string, invite: string): void {
  if (!isFreeOrInvite(path)) {
    throw new CourierError('state-unusable', `${path} is there already and is not an invite`);
  }
  try {
    replaceFile(path, `${invite}\n`);
    chmodSync(path, 0o600);
  } catch (cause) {
    throw new CourierError('state-unusable', `${path} cannot be written`, { cause });
  }
}

/** Removes the file if it still holds this invite: another one in its place belongs to somebody else. */
export function removeInvite(path: string, invite: string): void {
  try {
    if (readFile(path).trim() === invite) rmSync(path);
  } catch {
    // It is gone already.
  }
}

function isFreeOrInvite(path: string): boolean {
  try {
    const text = readFile(path);
    return text.trim() === '' || text.startsWith('peer-courier:');
  } catch (error) {
    return isErrno(error, 'ENOENT');
  }
}

function readText(path: string): string {
  let text: string;
  try {
    // 0 is the standard input.
    text = path === '-' ? readStart(0) : readFile(path);
  } catch (cause) {
    throw new CourierError('invite-garbled', `${path} cannot be read`, { cause });
  }
  if (text.length > MOST_BYTES) throw new CourierError('invite-garbled', 'it is too long');
  return text;
}

function readFile(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    return readStart(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What can be read, as far as an invite may reach and one byte more: a device has no end. */
function readStart(descriptor: number): string {
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return bytes.toString('utf8', 0, filled);
}
