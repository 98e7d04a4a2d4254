import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { PathEnd } from '../../doctor/facts.ts';
import type { Address } from '../../peers/address.ts';
import { errnoOf } from '../disk/errno.ts';
import type { Identity } from '../identity/identity.ts';
import { identifyPeer, tlsOptions } from './tlsOptions.ts';
import type { SecuredPeer } from './tlsOptions.ts';
import { TlsChannel } from './tlsChannel.ts';

/** How far a connection came: as far as a secured one, whoever is at its end, or where it ended and why. */
export type Reached =
  | {
      readonly end: 'secured';
      readonly connectMs: number;
      readonly peer: SecuredPeer;
      readonly channel: TlsChannel;
    }
  | {
      readonly end: Extract<
        PathEnd,
        'refused' | 'timed-out' | 'unreachable' | 'silent' | 'hung-up' | 'not-peer-courier'
      >;
      /** The system's error; empty for none. */
      readonly code: string;
      /** Absent if it never connected. */
      readonly connectMs: number | undefined;
    };

export interface ReachInit {
  readonly identity: Identity;
  readonly address: Address;
  readonly signal: AbortSignal;
}

/** How long the network may take to say anything, … */
const CONNECT_MS = 5000;
/** … and whoever is there to say who it is. */
const HANDSHAKE_MS = 5000;

/**
 * Connects to one address to see how far it leads. Unlike `dial` it is not content with whoever answers first, says at
 * which step it ended, and gives up sooner. Nobody is trusted by it, and nothing is sent. Rejects if the signal goes off.
 */
export function reach({ identity, address, signal }: ReachInit): Promise<Reached> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket: TLSSocket = connect({
      ...tlsOptions(identity, ['session']),
      host: address.host,
      port: address.port,
      servername: '',
      checkServerIdentity: () => undefined,
    });
    const startedAt = performance.now();
    let connectMs: number | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
    const end = (where: Exclude<Reached['end'], 'secured'>, code = ''): void => {
      finish();
      socket.destroy();
      resolve({ end: where, code, connectMs });
    };
    const stop = (): void => {
      finish();
      socket.destroy();
      reject(new DOMException('stopped', 'AbortError'));
    };
    let timer = setTimeout(() => end('timed-out'), CONNECT_MS);
    signal.addEventListener('abort', stop);
    const fail = (error: Error): void => {
      const code = errnoOf(error) ?? '';
      // One that hangs up at once may do so before it is seen that it was there.
      if (code === 'ECONNRESET' || code === 'EPIPE') end('hung-up');
      else if (connectMs === undefined) end(endOfTcp(code), code);
      else end('not-peer-courier');
    };
    const hungUp = (): void => end('hung-up');
    socket.once('error', fail);
    socket.once('close', hungUp);
    socket.once('connect', () => {
      connectMs = performance.now() - startedAt;
      clearTimeout(timer);
      timer = setTimeout(() => end('silent'), HANDSHAKE_MS);
    });
    socket.once('secureConnect', () => {
      try {
        const peer = identifyPeer(socket);
        finish();
        socket.off('error', fail);
        socket.off('close', hungUp);
        resolve({ end: 'secured', connectMs: connectMs ?? 0, peer, channel: new TlsChannel(socket) });
      } catch {
        end('not-peer-courier');
      }
    });
  });
}

function endOfTcp(code: string): 'refused' | 'timed-out' | 'unreachable' {
  if (code === 'ECONNREFUSED') return 'refused';
  return code === 'ETIMEDOUT' ? 'timed-out' : 'unreachable';
}
