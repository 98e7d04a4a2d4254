/**
 * How near to a limit an engine sends, and how evenly two transfers share it: real engines, TLS and disks, two
 * receivers, each behind a path of its own that counts what goes over it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nodeHashing } from '../src/node/hashing.ts';
import { parseAddress } from '../src/peers/address.ts';
import { encodeInvite, parseInvite } from '../src/peers/invite.ts';
import { requests } from '../src/rpc/contract.ts';
import { EngineHome, send } from '../test/support/engine.ts';
import type { EngineWindow, Scope } from '../test/support/engine.ts';
import { LOOPBACK } from '../test/support/loopback.ts';
import { TcpProxy } from '../test/support/tcpProxy.ts';
import { makeNoise } from './dataSets.ts';

const BYTES_A_MEGABIT = 125_000;
const RECEIVERS = 2;
/** From the first bytes on until the rate counts. */
const SETTLE_MS = 1000;
const GLANCE_MS = 20;

export interface LimitFigures {
  readonly megabits: number;
  /** What all sent together, as a share of the limit; TLS and control messages included. */
  readonly share: number;
  /** What each transfer had of that. */
  readonly parts: readonly number[];
}

/** Measures one limit, over `measureMs`. */
export async function measureLimit(megabits: number, measureMs: number): Promise<LimitFigures> {
  const closers: (() => unknown)[] = [];
  const scope: Scope = { after: (close) => void closers.push(close) };
  const folder = mkdtempSync(join(tmpdir(), 'peer-courier-limit-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const bytesPerSecond = megabits * BYTES_A_MEGABIT;
    const path = join(folder, 'noise.bin');
    // Enough for one that gets all of it.
    await makeNoise(path, Math.ceil((bytesPerSecond * (SETTLE_MS + 2 * measureMs)) / 1000));
    const home = new EngineHome(scope, { limitBytesPerSecond: bytesPerSecond });
    await home.start();
    const sender = await home.attach();
    const ways = await Promise.all(Array.from({ length: RECEIVERS }, () => openWay(scope, sender)));
    await Promise.all(ways.map(({ peer }) => send(sender, peer, path)));
    const counts = (): number[] => ways.map(({ proxy }) => proxy.bytesForward);
    while (counts().some((bytes) => bytes < bytesPerSecond / 20)) await pause(GLANCE_MS);
    await pause(SETTLE_MS);
    const [before, begun] = [counts(), performance.now()];
    await pause(measureMs);
    const seconds = (performance.now() - begun) / 1000;
    const rates = counts().map((bytes, at) => (bytes - (before[at] ?? 0)) / seconds);
    const all = rates.reduce((sum, rate) => sum + rate, 0);
    return { megabits, share: all / bytesPerSecond, parts: rates.map((rate) => rate / all) };
  } finally {
    for (const close of closers) await close();
  }
}

/** A receiver that the sender knows, and reaches only over a path that counts. */
async function openWay(
  scope: Scope,
  sender: EngineWindow,
): Promise<{ readonly proxy: TcpProxy; readonly peer: string }> {
  const home = new EngineHome(scope, { accept: 'known' });
  await home.start();
  const { connection } = await home.attach();
  await connection.sendRequest(requests.startReceiver);
  const { text } = await connection.sendRequest(requests.createInvite);
  const invite = parseInvite(nodeHashing, text);
  const proxy = await TcpProxy.open(invite.addresses[0]?.port ?? 0);
  scope.after(() => proxy.close());
  const address = parseAddress(`${LOOPBACK}:${proxy.port}`);
  if (address === undefined) throw new Error('no address');
  const detour = encodeInvite(nodeHashing, { ...invite, addresses: [address] });
  const { fingerprint } = await sender.connection.sendRequest(requests.useInvite, { text: detour });
  return { proxy, peer: fingerprint };
}
