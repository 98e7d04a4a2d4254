import { equalBytes, fromHex, toHex } from '../base/bytes.ts';
import { LocalProtocolError } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import type { Frame, FrameHeader, FrameName } from '../protocol/frame.ts';
import { FrameTalk, refusal, requireLength } from '../protocol/frameTalk.ts';
import type { ClosedEvent, Dialogue, FrameTalkInit } from '../protocol/frameTalk.ts';
import { limits } from '../protocol/limits.ts';
import { agreement, commitment, pairingCode } from './pairingCode.ts';
import type { Nonces, Pair } from './pairingCode.ts';

export type PairingEvent =
  /** Listener only: somebody asks to pair; answer with `admit` or `close`. */
  | { readonly type: 'asked' }
  /** Both users have to compare this; answer with `agree` or `close`. */
  | { readonly type: 'code'; readonly code: string }
  /** Both users have seen the same code: the peer may be pinned, under the name that it gives itself. */
  | { readonly type: 'paired'; readonly name: string }
  | ClosedEvent;

export interface PairingInit extends FrameTalkInit {
  readonly hashing: Hashing;
  readonly side: 'dialler' | 'listener';
  readonly pair: Pair;
  /** 32 bytes, drawn at random for this talk alone. */
  readonly nonce: Uint8Array;
  /** What this device calls itself. The peer hears it when our user has said yes. */
  readonly name: string;
  /** How many codes there are; absent, all. Fewer are for simulations. */
  readonly codes?: number;
}

/**
 * The talk of two devices whose users compare a code.
 *
 *     dialler   commit ▶          reveal ▶  (code)  agree ▶  (paired)  close ▶
 *     listener          ◀ nonce             (code)  ◀ agree  (paired)  ◀ close
 *
 * The two `agree` may come in either order, each when its user says so. A talk that has come to a code and does not
 * end in `paired` is a failure that the caller counts, whoever ended it and how: each is a guess for somebody in the
 * middle.
 */
export class Pairing extends FrameTalk<PairingEvent> {
  // Immutable.
  readonly #init: PairingInit;
  protected readonly dialogue: Dialogue<PairingEvent> = {
    admit: (header, name) => this.#admit(header, name),
    handle: (frame, name) => this.#handle(frame, name),
  };

  // Mutable.
  /** The listener's: what the dialler has fixed. */
  #commitment: Uint8Array | undefined;
  /** Known as soon as the code is. */
  #nonces: Nonces | undefined;
  #hasAgreed = false;
  /** The peer's name, once its user has agreed. */
  #peerName: string | undefined;

  constructor(init: PairingInit) {
    super(init);
    this.#init = init;
    const { hashing, side, pair, nonce } = init;
    // A device that talks to itself, or whose words come back to it.
    if (pair.dialler === pair.listener) throw new LocalProtocolError('a device does not pair with itself');
    if (side === 'dialler') this.say('commit', { commitment: toHex(commitment(hashing, nonce, pair)) });
  }

  /** Listener only: goes on with whoever asked. */
  admit(): void {
    this.requireAdmitting();
    this.say('nonce', { nonce: toHex(this.#init.nonce) });
    this.open();
  }

  /** Our user sees the same code on both devices. */
  *agree(): Generator<PairingEvent> {
    this.requireOpen();
    if (this.#nonces === undefined || this.#hasAgreed) throw new LocalProtocolError('nothing to agree to');
    const { hashing, side, pair, name } = this.#init;
    this.#hasAgreed = true;
    const mac = toHex(agreement(hashing, side, pair, this.#nonces));
    this.say('agree', { mac, name: name.slice(0, limits.textLength) });
    yield* this.#conclude();
  }

  protected admitGreeting(name: FrameName): void {
    const expected = this.#init.side === 'dialler' ? 'nonce' : 'commit';
    if (name !== expected) throw refusal(`${name} instead of ${expected}`);
  }

  protected *handleGreeting(frame: Frame): Generator<PairingEvent> {
    if (this.#init.side === 'listener') {
      this.#commitment = bytesOf(this.read('commit', frame).commitment);
      this.introduced();
      yield { type: 'asked' };
      return;
    }
    const listener = bytesOf(this.read('nonce', frame).nonce);
    this.open();
    this.say('reveal', { nonce: toHex(this.#init.nonce) });
    yield* this.#compare({ dialler: this.#init.nonce, listener });
  }

  #admit(header: FrameHeader, name: FrameName): void {
    const isDue =
      this.#nonces === undefined ? name === 'reveal' : name === 'agree' && this.#peerName === undefined;
    if (!isDue) throw refusal(`${name} while pairing`);
    requireLength(header, limits.greetingBytes);
  }

  *#handle(frame: Frame, name: FrameName): Generator<PairingEvent> {
    if (name === 'reveal') yield* this.#handleReveal(bytesOf(this.read('reveal', frame).nonce));
    else yield* this.#handleAgree(frame);
  }

  *#handleReveal(dialler: Uint8Array): Generator<PairingEvent> {
    const { hashing, pair, nonce } = this.#init;
    if (this.#commitment === undefined || !equalBytes(commitment(hashing, dialler, pair), this.#commitment)) {
      throw refusal('a nonce that is not the one that was fixed');
    }
    yield* this.#compare({ dialler, listener: nonce });
  }

  *#compare(nonces: Nonces): Generator<PairingEvent> {
    const { hashing, pair, codes } = this.#init;
    if (equalBytes(nonces.dialler, nonces.listener)) throw refusal('our own nonce');
    this.#nonces = nonces;
    yield { type: 'code', code: pairingCode(hashing, pair, nonces, codes) };
  }

  *#handleAgree(frame: Frame): Generator<PairingEvent> {
    const { hashing, side, pair } = this.#init;
    const { mac, name } = this.read('agree', frame);
    const theirs = side === 'dialler' ? 'listener' : 'dialler';
    if (
      this.#nonces === undefined ||
      !equalBytes(bytesOf(mac), agreement(hashing, theirs, pair, this.#nonces))
    ) {
      throw refusal('a yes that is not the one of this peer');
    }
    this.#peerName = name;
    yield* this.#conclude();
  }

  *#conclude(): Generator<PairingEvent> {
    if (!this.#hasAgreed || this.#peerName === undefined) return;
    yield { type: 'paired', name: this.#peerName };
    yield* this.close({ code: 'done' });
  }
}

/** What a schema has found to be hexadecimal. */
function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
