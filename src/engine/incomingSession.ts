import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { toHex } from '../base/bytes.ts';
import type { SessionFailure } from '../base/failure.ts';
import type { FairShare } from '../base/fairShare.ts';
import { printable } from '../base/printable.ts';
import type { BufferPool } from '../node/bufferPool.ts';
import { systemClock } from '../node/clock.ts';
import { PageFiles } from '../node/disk/pageFiles.ts';
import { nodeHashing } from '../node/hashing.ts';
import { stateFailure } from '../node/state/stateFile.ts';
import type { Hello } from '../protocol/messages.ts';
import { ReceiverSession } from '../protocol/receiverSession.ts';
import { IncomingTransfer } from '../transfer/incomingTransfer.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import type { Channel, Compression } from '../transfer/ports.ts';
import type { IncomingPeer, ReceiverInit, Receiving } from './receiver.ts';

/** What all incoming sessions of a process have in common, whoever has dialled. */
export interface IncomingCommon extends Pick<
  ReceiverInit,
  'state' | 'consent' | 'keepsInterrupted' | 'observer'
> {
  readonly compression: Compression;
  readonly pool: BufferPool;
  /** Shared with the other sessions of this process. */
  readonly memory: FairShare;
}

export interface IncomingSessionInit extends IncomingCommon {
  /** Whether every offer is consented to as soon as it is made. */
  readonly consentsAtOnce?: boolean;
  readonly channel: Channel;
  /** What we say of ourselves; as the dialler, at once. */
  readonly hello: Hello;
  /** Whether this device has dialled: it fetches what the other one shares. */
  readonly isFetched: boolean;
  /** Whether this connection goes on if the two devices have dialled each other. */
  readonly isPreferred: boolean;
  /** Who is at the other end, as far as it is known. */
  readonly peer: IncomingPeer;
  /** Listener: who has said hello, under its pinned name, or why it is turned away. */
  readonly judge?: (hello: Hello) => IncomingPeer | SessionFailure;
  /** Dialler: the other side has let us in, under the name that it gives itself. */
  readonly opened?: (name: string) => IncomingPeer;
}

/** One session in which this device receives. */
export interface IncomingSession {
  readonly transfer: IncomingTransfer;
  /** Resolves at its end; never rejects. */
  readonly ended: Promise<IncomingReport>;
}

/** Begins a session in which this device receives. */
export function beginIncoming(init: IncomingSessionInit): IncomingSession {
  const { state, consent, keepsInterrupted, consentsAtOnce = false, observer, compression, pool } = init;
  const { isFetched, isPreferred } = init;
  const pages = state.incomingFolder(toHex(randomBytes(16)));
  let { peer } = init;
  let id = '';
  let label: string | undefined;
  let unwatch: (() => void) | undefined;
  /** From now on it is somebody who may be forgotten or blocked meanwhile. */
  const become = (found: IncomingPeer): void => {
    peer = found;
    unwatch = state.trust.watch(found.fingerprint, () => transfer.interrupt());
  };
  const transfer: IncomingTransfer = new IncomingTransfer({
    session: new ReceiverSession({
      isDialler: isFetched,
      hello: init.hello,
      now: systemClock.now(),
      allocate: (length) => pool.allocate(length),
    }),
    channel: init.channel,
    clock: systemClock,
    hashing: nodeHashing,
    compression,
    recycle: (payload) => pool.recycle(payload),
    memory: init.memory,
    rest: setImmediate,
    judge: (hello) => {
      const judged = init.judge?.(hello) ?? 'internal';
      if (typeof judged === 'string') return judged;
      become(judged);
      return undefined;
    },
    openPages: () => openPages(pages),
    consent: async (summary, options) => {
      const acceptance = await consent(peer, summary, options);
      if (acceptance === undefined) return undefined;
      const { folder, onConflict, resume = false } = acceptance;
      return folder.openTransfer(id, onConflict, { resume, keepsInterrupted });
    },
    keepsInterrupted,
    consentsAtOnce,
    observer: {
      opened: (name) => {
        const found = init.opened?.(name);
        if (found !== undefined) become(found);
      },
      offered: (offered, text) => {
        id = offered;
        label = printable(text);
        observer.started(receiving);
      },
      listed: (summary) => observer.listed?.(receiving, summary),
      entryFailed: (path, reason) => observer.entryFailed(receiving, path, reason),
    },
  });
  const receiving: Receiving = {
    get peer() {
      return peer;
    },
    get id() {
      return id;
    },
    get label() {
      return label ?? '';
    },
    isFetched,
    isPreferred,
    snapshot: () => transfer.snapshot(),
    pause: () => transfer.pause(),
    resume: () => transfer.resume(),
    cancel: () => transfer.cancel(),
    interrupt: () => transfer.interrupt(),
    giveWay: () => transfer.giveWay(),
  };
  const ended = transfer.run().then((report) => {
    unwatch?.();
    removePages(pages);
    if (label !== undefined) observer.ended(receiving, report);
    return report;
  });
  return { transfer, ended };
}

function openPages(folder: string): PageFiles {
  try {
    return new PageFiles(folder);
  } catch (error) {
    throw stateFailure(folder, error);
  }
}

/** Whatever is left for some reason harms nobody: no other session will look there. */
function removePages(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The session's end is told all the same.
  }
}
