import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { concatBytes, fromUtf8, toHex } from '../../src/base/bytes.ts';
import { LocalProtocolError } from '../../src/base/failure.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fingerprintOf } from '../../src/peers/fingerprint.ts';
import { Pairing } from '../../src/peers/pairing.ts';
import type { PairingEvent, PairingInit } from '../../src/peers/pairing.ts';
import { agreement, pairingCode } from '../../src/peers/pairingCode.ts';
import type { Pair } from '../../src/peers/pairingCode.ts';
import { decodeHeader, frameName, HEADER_BYTES } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import { limits } from '../../src/protocol/limits.ts';
import { frame, rawFrame, sampleFrames } from '../support/samples.ts';

const PAIR: Pair = {
  dialler: fingerprintOf(new Uint8Array(32).fill(1)),
  listener: fingerprintOf(new Uint8Array(32).fill(2)),
  exporter: new Uint8Array(32).fill(3),
};
const NONCES = { dialler: new Uint8Array(32).fill(4), listener: new Uint8Array(32).fill(5) };
/** What these come to; computed with Python's hmac and hashlib from the text of docs/protocol.md. */
const CODE = '402588';

function end(side: PairingInit['side'], other: Partial<PairingInit> = {}): Pairing {
  return new Pairing({
    hashing: nodeHashing,
    now: 0,
    pair: PAIR,
    side,
    nonce: NONCES[side],
    name: `the ${side}`,
    ...other,
  });
}

function hear(pairing: Pairing, bytes: Uint8Array): PairingEvent[] {
  return [...pairing.receive(bytes, 0)];
}

function said(pairing: Pairing): Uint8Array {
  return concatBytes(pairing.takeOutput());
}

/** Both ends, each of which has come to its code. */
function compared(one: Partial<PairingInit> = {}, other: Partial<PairingInit> = {}) {
  const [dialler, listener] = [end('dialler', one), end('listener', other)];
  assert.deepEqual(hear(listener, said(dialler)), [{ type: 'asked' }]);
  assert.deepEqual(said(listener), new Uint8Array(0), 'nothing is said before it is taken in');
  listener.admit();
  const codes = [hear(dialler, said(listener)), hear(listener, said(dialler))];
  return { dialler, listener, codes };
}

const DONE = { type: 'closed', origin: 'local', close: { code: 'done' } };

for (const first of ['dialler', 'listener'] as const) {
  test(`two devices pair, the ${first} agrees first`, () => {
    const { dialler, listener, codes } = compared();
    assert.deepEqual(codes, [[{ type: 'code', code: CODE }], [{ type: 'code', code: CODE }]]);
    const ends = first === 'dialler' ? ([dialler, listener] as const) : ([listener, dialler] as const);
    assert.deepEqual([...ends[0].agree()], []);
    assert.deepEqual(hear(ends[1], said(ends[0])), [], 'nobody is paired before both have agreed');
    const one = [...ends[1].agree()];
    const other = hear(ends[0], said(ends[1]));
    const [atDialler, atListener] = first === 'dialler' ? [other, one] : [one, other];
    assert.deepEqual(atDialler, [{ type: 'paired', name: 'the listener' }, DONE]);
    assert.deepEqual(atListener, [{ type: 'paired', name: 'the dialler' }, DONE]);
  });
}

test('a golden transcript', () => {
  const [dialler, listener] = [end('dialler'), end('listener')];
  const lines: string[] = [];
  const carry = (from: Pairing, to: Pairing): void => {
    const bytes = said(from);
    for (let rest = bytes; rest.length > 0;) {
      const { type, length } = decodeHeader(rest);
      lines.push(`${frameName(type)} ${fromUtf8(rest.subarray(HEADER_BYTES, HEADER_BYTES + length))}`);
      rest = rest.subarray(HEADER_BYTES + length);
    }
    hear(to, bytes);
  };
  carry(dialler, listener);
  listener.admit();
  carry(listener, dialler);
  carry(dialler, listener);
  assert.deepEqual([...dialler.agree()], []);
  carry(dialler, listener);
  assert.equal([...listener.agree()].length, 2);
  carry(listener, dialler);
  carry(dialler, listener);
  assert.deepEqual(lines, [
    'commit {"commitment":"a58779c26df52dc89fcb8ad0094a466d00f88d9869933f06e190d8c4d76ed928"}',
    `nonce {"nonce":"${'05'.repeat(32)}"}`,
    `reveal {"nonce":"${'04'.repeat(32)}"}`,
    'agree {"mac":"72b0f121da0ed924c55602a0eedbec9bc152b085c67fe04c40a9afdd594b0007","name":"the dialler"}',
    'agree {"mac":"802d4286586fb643c06c3283a9535a1053d4ac7850c87e379dd9c0d7e071d638","name":"the listener"}',
    'close {"code":"done"}',
    'close {"code":"done"}',
  ]);
});

suite('the code depends on', () => {
  const codeOf = (pair: Partial<Pair>, nonces: Partial<typeof NONCES> = {}): string =>
    pairingCode(nodeHashing, { ...PAIR, ...pair }, { ...NONCES, ...nonces });
  const nine = new Uint8Array(32).fill(9);
  for (const [name, code] of Object.entries({
    'the dialler': codeOf({ dialler: fingerprintOf(nine) }),
    'the listener': codeOf({ listener: fingerprintOf(nine) }),
    'the connection': codeOf({ exporter: nine }),
    "the dialler's nonce": codeOf({}, { dialler: nine }),
    "the listener's nonce": codeOf({}, { listener: nine }),
    'who is who': codeOf({ dialler: PAIR.listener, listener: PAIR.dialler }),
  })) {
    test(name, () => {
      assert.match(code, /^\d{6}$/u);
      assert.notEqual(code, CODE);
    });
  }
});

test('codes are even', () => {
  const counts = new Map<string, number>();
  const nonce = new Uint8Array(32);
  const view = new DataView(nonce.buffer);
  for (let draw = 0; draw < 20_000; draw += 1) {
    view.setUint32(0, draw);
    const code = pairingCode(nodeHashing, PAIR, { ...NONCES, listener: nonce }, 10);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const expected = 2000;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // Nine degrees of freedom: one in a thousand goes beyond 27.9, and these draws are always the same.
  assert.ok(chiSquare < 27.9, String(chiSquare));
});

suite('case 158: is refused, and no code is shown', () => {
  const protocolError = (events: readonly PairingEvent[]): void => {
    assert.deepEqual(
      events.map((event) => (event.type === 'closed' ? `${event.origin} ${event.close.code}` : event.type)),
      ['local protocol-error'],
    );
  };

  test('a nonce other than the one that was fixed', () => {
    const [dialler, listener] = [end('dialler'), end('listener')];
    hear(listener, said(dialler));
    listener.admit();
    protocolError(hear(listener, frame('reveal', { nonce: 'cd'.repeat(32) })));
  });

  test('a nonce that is revealed before one is fixed, or before it is asked for', () => {
    protocolError(hear(end('listener'), frame('reveal', { nonce: toHex(NONCES.dialler) })));
    const [dialler, listener] = [end('dialler'), end('listener')];
    hear(listener, said(dialler));
    protocolError(hear(listener, frame('reveal', { nonce: toHex(NONCES.dialler) })));
  });

  test('a second commitment', () => {
    const [dialler, listener] = [end('dialler'), end('listener')];
    const commit = said(dialler);
    hear(listener, commit);
    listener.admit();
    protocolError(hear(listener, commit));
  });

  test('what we said ourselves: our nonce, our commitment, our yes', () => {
    const dialler = end('dialler');
    protocolError(hear(dialler, said(dialler)));
    const reflecting = end('dialler');
    protocolError(hear(reflecting, frame('nonce', { nonce: toHex(NONCES.dialler) })));
    const { dialler: agreeing } = compared();
    assert.deepEqual([...agreeing.agree()], []);
    protocolError(hear(agreeing, said(agreeing)));
  });

  test('everything of another talk, byte by byte', () => {
    const earlier = compared();
    assert.deepEqual([...earlier.listener.agree()], []);
    const yes = said(earlier.listener);
    const { dialler } = compared({ nonce: new Uint8Array(32).fill(6) });
    protocolError(hear(dialler, yes));
    const other = compared({ pair: { ...PAIR, exporter: new Uint8Array(32).fill(7) } }, {});
    protocolError(hear(other.dialler, yes));
  });

  test('a yes to what was not shown, and a second one', () => {
    const mac = toHex(agreement(nodeHashing, 'dialler', PAIR, NONCES));
    const [dialler, listener] = [end('dialler'), end('listener')];
    hear(listener, said(dialler));
    listener.admit();
    protocolError(hear(listener, frame('agree', { mac, name: 'early' })));
    const late = compared().listener;
    assert.deepEqual(hear(late, frame('agree', { mac, name: 'once' })), []);
    protocolError(hear(late, frame('agree', { mac, name: 'twice' })));
  });

  test('the same key on both sides', () => {
    assert.throws(() => end('dialler', { pair: { ...PAIR, listener: PAIR.dialler } }), LocalProtocolError);
    assert.throws(() => end('listener', { pair: { ...PAIR, listener: PAIR.dialler } }), LocalProtocolError);
  });

  for (const [name, bytes] of sampleFrames) {
    const legal: Partial<Record<FrameName, true>> = { agree: true, alive: true, close: true };
    if (legal[name] === true) continue;
    test(`${name} while the code is compared`, () => {
      const { dialler, listener } = compared();
      protocolError(hear(dialler, bytes));
      protocolError(hear(listener, bytes));
    });
  }

  test('a frame that is too long', () => {
    const long = rawFrame(21, 0, new Uint8Array(limits.greetingBytes + 1));
    for (const side of [compared().dialler, compared().listener]) {
      assert.deepEqual(
        hear(side, long).map((event) => event.type === 'closed' && event.close.code),
        ['limit-exceeded'],
      );
    }
  });
});

test('a command at the wrong time is a mistake of ours', () => {
  const dialler = end('dialler');
  assert.throws(() => [...dialler.agree()]);
  assert.throws(() => dialler.admit(), LocalProtocolError);
  const { listener } = compared();
  assert.deepEqual([...listener.agree()], []);
  assert.throws(() => [...listener.agree()], LocalProtocolError);
});
