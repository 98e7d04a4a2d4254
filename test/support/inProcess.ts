/** The sending engine in the test's own process, for what a process from outside cannot time or choose. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { sendPaths } from '../../src/engine/sender.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { createCompression } from '../../src/node/codec/zlibCompression.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { parseInvite } from '../../src/peers/invite.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import type { Compression } from '../../src/transfer/ports.ts';
import type { Scene } from './cli.ts';

const LIMIT_MS = 60_000;

/** Sends to the scene's receiver, with its invite. */
export function sendInProcess(
  scene: Scene,
  paths: readonly string[],
  compression: Compression = createCompression(),
): Promise<OutgoingReport> {
  return sendPaths({
    state: new StateFolder(scene.senderState),
    paths,
    target: { kind: 'invite', invite: parseInvite(nodeHashing, readFileSync(scene.inviteFile, 'utf8')) },
    name: 'in process',
    observer: { connected: () => undefined, started: () => undefined },
    compression,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
}

/** A sending whose data is held back. */
export interface HeldBack {
  /** Lets the data go, and waits for the end. */
  finish(): Promise<OutgoingReport>;
}

/**
 * Starts to send something {@link compressible} and holds its chunks back where they are compressed. When
 * this resolves, the receiver has accepted, has decided on every entry, and waits for data.
 */
export async function sendHeldBack(scene: Scene, paths: readonly string[]): Promise<HeldBack> {
  const plain = createCompression();
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const sending = sendInProcess(scene, paths, {
    ...plain,
    async compress(codec, bytes, effort) {
      reached.resolve();
      await gate.promise;
      return plain.compress(codec, bytes, effort);
    },
  });
  const missed = sending.then(({ end }) => assert.fail(`nothing was held back: ${JSON.stringify(end)}`));
  missed.catch(() => undefined);
  await Promise.race([reached.promise, missed]);
  return {
    finish() {
      gate.resolve();
      return sending;
    },
  };
}

/** Content that a sender compresses, whatever its size is. */
export function compressible(bytes: number): string {
  return 'all work and no play\n'.repeat(Math.ceil(bytes / 21)).slice(0, bytes);
}
