/**
 * A process that attacks a receiver from many sockets. It knows nothing of `src/`, begins with a line on its input,
 * ends with the end of it, and prints what it has done.
 *
 *   node attacker.ts '{"kind":"silent","port":47470,"sources":1,"perSecond":2000,"identity":{…}}'
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { message } from '../support/wickedFrames.ts';
import { ALPN, WickedPeer } from '../support/wickedPeer.ts';
import { HELLO } from '../support/wickedSession.ts';
import { FIRST_SOURCE } from './attackOrder.ts';
import type { AttackKind, AttackOrder, AttackReport } from './attackOrder.ts';

const MEANINGS: Readonly<Record<AttackKind, string>> = {
  silent: 'open at the end, as far as it knows',
  handshakes: 'handshakes that both sides finished',
  offers: 'offers that were heard',
  drip: 'open at the end, as far as it knows',
};
const TICK_MS = 10;
const DRIP_MS = 1000;
/** More of these would wait for each other. */
const OFFERS_AT_ONCE = 32;
/** The first bytes of a ClientHello; the rest never comes in time. */
const HELLO_RECORD = Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), Buffer.alloc(505)]);

class Attack {
  // Immutable.
  readonly #order: AttackOrder;
  readonly #context: ReturnType<typeof createSecureContext>;

  // Mutable.
  readonly #open = new Set<Socket>();
  #attempts = 0;
  #through = 0;
  #busy = 0;

  constructor(order: AttackOrder) {
    this.#order = order;
    // One for all: the attacker is to spend its time on attacking.
    this.#context = createSecureContext({
      key: order.identity.privateKey,
      cert: order.identity.certificate,
      minVersion: 'TLSv1.3',
    });
  }

  begin(): void {
    const { perSecond, most, kind } = this.#order;
    const startedAt = performance.now();
    setInterval(() => {
      const due = Math.min(most, ((performance.now() - startedAt) / 1000) * perSecond);
      while (this.#attempts < due) {
        if (kind === 'offers' && this.#busy >= OFFERS_AT_ONCE) return;
        this.#attempt();
      }
    }, TICK_MS);
  }

  end(): AttackReport {
    const { kind } = this.#order;
    const isHeld = kind === 'silent' || kind === 'drip';
    const report: AttackReport = {
      attempts: this.#attempts,
      through: isHeld ? this.#open.size : this.#through,
      meaning: MEANINGS[kind],
    };
    for (const socket of this.#open) socket.destroy();
    return report;
  }

  #attempt(): void {
    const at = this.#attempts;
    this.#attempts += 1;
    const { kind, port, sources } = this.#order;
    const source = at % sources;
    const localAddress =
      sources === 1 ? FIRST_SOURCE : `127.${16 + (source % 16)}.${source >> 8}.${2 + (source % 250)}`;
    const raw = connectTcp({ host: '127.0.0.1', port, localAddress });
    raw.on('error', () => undefined);
    raw.once('connect', () => this.#open.add(raw));
    raw.once('close', () => this.#open.delete(raw));
    if (kind === 'drip') this.#drip(raw);
    else if (kind === 'silent') raw.resume();
    else this.#greet(raw);
  }

  #drip(raw: Socket): void {
    raw.resume().setNoDelay(true);
    let sent = 0;
    const timer = setInterval(() => {
      raw.write(HELLO_RECORD.subarray(sent, sent + 1));
      sent += 1;
    }, DRIP_MS);
    raw.once('close', () => clearInterval(timer));
  }

  #greet(raw: Socket): void {
    this.#busy += 1;
    const tls = connectTls({
      socket: raw,
      secureContext: this.#context,
      ALPNProtocols: [ALPN],
      rejectUnauthorized: false,
    });
    const peer = new WickedPeer(tls);
    raw.once('close', () => {
      this.#busy -= 1;
    });
    tls.once('secureConnect', () => void this.#talk(peer));
  }

  /** A stranger hears that it is one, which shows that the handshake was finished; a known peer offers, and cancels. */
  async #talk(peer: WickedPeer): Promise<void> {
    peer.say('hello', HELLO);
    const answer = await peer.next();
    if (answer !== undefined && this.#order.kind === 'handshakes') this.#through += 1;
    if (answer?.name === 'hello') {
      this.#through += 1;
      const transfer = this.#attempts.toString(16).padStart(32, '0');
      const totals = { pages: 1, entries: 1, files: 1, bytes: 5, leftOut: 0 };
      peer.send(
        message('offer', { transfer, label: 'wicked' }),
        message('page', { entries: [['f', `offered ${transfer}`, 5, 0, false]] }),
        message('offerEnd', totals),
        message('close', { code: 'cancelled' }),
      );
      peer.finish();
      await peer.ended();
    }
    peer.drop();
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes from load.ts
const attack = new Attack(JSON.parse(process.argv[2] ?? '') as AttackOrder);
const orders = createInterface({ input: process.stdin });
orders.once('line', () => attack.begin());
orders.once('close', () => {
  process.stdout.write(JSON.stringify(attack.end()), () => process.exit());
});
