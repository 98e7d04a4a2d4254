/**
 * What people do with Peer Courier in their windows, step by step, in the words of the product: the specs
 * read as stories, and each sentence that a person sees stands here or there once.
 */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Locator } from 'playwright-core';
import { asReceived, file, takeSnapshot } from '../../support/trees.ts';
import type { Item, Tree } from '../../support/trees.ts';
import type { EditorWindow } from './editorWindow.ts';
import type { Person, TwoWindows } from './twoWindows.ts';
import { until } from './until.ts';

/** As it is told to peers and stands in every sentence. */
export const ANNA = 'Anna’s laptop';
export const BORIS = 'Boris’s desktop';

export const PASTE_INVITE = 'Paste the invite';

/** `1A2B-3C4D`. */
export const SHORT_FINGERPRINT = /[\dA-F]{4}-[\dA-F]{4}/;

/** Megabits per second at which a *long* folder takes minutes: longer than a slow machine needs to interrupt it. */
export const SLOW = 3;
/** … and no limit, once a test has seen what it wanted to see of the way. */
export const AT_FULL_SPEED = 0;

/** What the devices are called, and a port on which nobody else listens. */
export async function machineSettings(name: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    'peerCourier.deviceName': name,
    'peerCourier.host': '127.0.0.1',
    'peerCourier.port': await freePort(),
    ...more,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await new Promise((closed) => {
    server.close(closed);
  });
  return address.port;
}

/** Where what is accepted goes unless somebody says otherwise. */
export function receiveFolderOf({ home }: Person): string {
  return join(home, 'Downloads', 'Peer Courier');
}

/** B starts its receiver and makes an invite, which A uses. Leaves both at their *Peer Courier* views. */
export async function pair({ a, b }: TwoWindows): Promise<void> {
  await b.window.runCommand('Peer Courier: Start Receiver');
  await b.window.runCommand('Peer Courier: Create Invite');
  await b.window.notification('An invite is on the clipboard').waitFor();
  await a.window.runCommand('Peer Courier: Use Invite…');
  await a.window.pasteInput(PASTE_INVITE);
  await a.window.notification('is a known peer now').waitFor();
  await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  await Promise.all([showViews(a.window), showViews(b.window)]);
}

export async function showViews(window: EditorWindow): Promise<void> {
  await window.openContainer('Peer Courier');
  await window.view('Transfers').waitFor();
}

/** Right-clicks a folder, chooses the known peer, confirms the summary; leaves the window at its views. */
export async function send({ window }: Person, name: string): Promise<void> {
  await window.openContainer('Explorer');
  await window.chooseInExplorer(name, 'Send to Peer…');
  await window.pickQuickPick(BORIS);
  await window.pickQuickPick('Send');
  await showViews(window);
}

/** The question that an offer is; it stays on the screen. */
export function offerOf({ window }: Person, label: string): Promise<Locator> {
  return window.holdNotification(`wants to send you “${label}”.`);
}

export async function accept({ window }: Person, label: string): Promise<void> {
  await window.pressInNotification(`wants to send you “${label}”.`, 'Accept');
}

/** Waits until a row of *Transfers* says so. */
export async function transferSays(
  { window }: Person,
  label: string,
  status: string | RegExp,
): Promise<void> {
  const row = window.treeRow('Transfers', label);
  await row.filter({ hasText: status }).waitFor();
}

/** Waits until so much of it has arrived and more is on its way; returns the percentage. */
export async function untilMoving({ window }: Person, label: string, leastPercent = 1): Promise<number> {
  // Nothing stands between the label and the percentage but spaces; "interrupted at 2%" is something else.
  return until(`${leastPercent}% of ${label}`, async () => {
    const rows = await window.treeRows('Transfers');
    const row = rows.find((text) => text.startsWith(label)) ?? '';
    const percent = Number(/^ (\d+)% · /.exec(row.slice(label.length))?.[1] ?? 0);
    return percent >= leastPercent && percent;
  });
}

/** Empties the screen: what is on it later is new. */
export async function clearNotifications(window: EditorWindow): Promise<void> {
  await window.runCommand('Notifications: Clear All Notifications');
  await window.page.locator('.notification-toast').first().waitFor({ state: 'hidden' });
}

/** The only engine of a person; one that ends may still be there for a moment when the next one is. */
export function engineOf(person: Person): Promise<number> {
  return until(`one engine of ${person.window.name}`, () => {
    const [engine, ...others] = person.processes('peer-courier-engine');
    return engine !== undefined && others.length === 0 && engine;
  });
}

/** The digest that *Copy Digest* of a row gives. */
export async function digestIn({ window }: Person, label: string): Promise<string> {
  // What was copied before must not be taken for it.
  await window.page.evaluate("navigator.clipboard.writeText('')");
  await window.chooseInContextMenu(window.treeRow('Transfers', label), 'Copy Digest');
  return until('a digest on the clipboard', async () => {
    const text = await window.readClipboard();
    return /^[\da-f]{64}$/.test(text) && text;
  });
}

/** What was sent lies in B's receive folder: the same bytes, times and permissions. */
export function assertArrived({ a, b }: TwoWindows, name: string): void {
  const sent = takeSnapshot(join(a.workspace, name));
  // A folder that was just made shows which permissions its system gives.
  const umask = 0o777 & ~statSync(b.workspace).mode;
  assert.deepEqual(
    takeSnapshot(join(receiveFolderOf(b), name)),
    asReceived(sent, umask),
    `${name} did not arrive as it was sent`,
  );
}

/** All that lies in a receive folder, hidden or not. */
export function contentsOf(person: Person): readonly string[] {
  return readdirSync(receiveFolderOf(person), { recursive: true, encoding: 'utf8' }).toSorted();
}

/** Waits until a receive folder is as it was before. */
export async function untilNothingIsLeft(person: Person, before: readonly string[]): Promise<void> {
  await until(`the same ${before.length} names as before`, () =>
    isDeepStrictEqual(contentsOf(person), before),
  );
}

/** Bytes that nothing compresses, the same in every run. */
export function noise(sizeBytes: number, seed: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(new Uint8Array(sizeBytes));
}

/** The size of each file in a long folder. */
export const PART_BYTES = 1_000_000;

/** A folder whose transfer takes minutes when A's rate is limited, and a moment when it is not. */
export function long(seed: number): Tree {
  const parts = Array.from({ length: 60 }, (_, part): [string, Item] => [
    `part ${part + 1}.bin`,
    file(noise(PART_BYTES, seed + part)),
  ]);
  return Object.fromEntries(parts);
}
