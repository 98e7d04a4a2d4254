/** Two users compare a code, in windows: real engines, real TLS. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { engineNotifications, requests } from '../../src/rpc/contract.ts';
import type { PeerSummary } from '../../src/rpc/model.ts';
import { EngineHome } from '../support/engine.ts';
import type { EngineWindow } from '../support/engine.ts';

/** A window whose user looks at codes. */
class Person {
  readonly window: EngineWindow;
  readonly #codes: string[] = [];
  #next = Promise.withResolvers<void>();

  constructor(window: EngineWindow) {
    this.window = window;
    window.connection.onNotification(engineNotifications.compareCode, ({ code }) => {
      this.#codes.push(code);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    });
  }

  static async of(t: TestContext, deviceName: string): Promise<Person> {
    const home = new EngineHome(t, { deviceName });
    await home.start();
    return new Person(await home.attach());
  }

  pair(id: string, address?: string): Promise<PeerSummary> {
    return this.window.connection.sendRequest(requests.pairByCode, { id, address });
  }

  /** Waits for another device; comes back when the engine does. The outcome is in an object, which is not awaited. */
  async wait(id: string): Promise<{ readonly paired: Promise<PeerSummary> }> {
    const paired = this.pair(id);
    // The failure is looked at later.
    paired.catch(() => undefined);
    // The engine takes up one request after another.
    await assert.rejects(this.answer('nobody asked', false), /gone/u);
    return { paired };
  }

  async sees(at = 0): Promise<string> {
    for (;;) {
      const code = this.#codes[at];
      if (code !== undefined) return code;
      await this.#next.promise;
    }
  }

  answer(id: string, isSame: boolean): Promise<void> {
    return this.window.connection.sendRequest(requests.answerCode, { id, isSame });
  }
}

async function twoPeople(t: TestContext) {
  const [anna, boris] = await Promise.all([Person.of(t, 'Anna'), Person.of(t, 'Boris')]);
  const receiver = await boris.window.connection.sendRequest(requests.startReceiver);
  assert.ok(receiver.state === 'listening');
  const address = receiver.addresses.find((each) => each.startsWith('127.'));
  assert.ok(address !== undefined);
  return { anna, boris, address };
}

test('both windows show the same code, both users say so, and each is in the other’s list', async (t) => {
  const { anna, boris, address } = await twoPeople(t);
  const { paired: atBoris } = await boris.wait('wait');
  const atAnna = anna.pair('dial', address);
  const [one, other] = await Promise.all([anna.sees(), boris.sees()]);
  assert.equal(one, other);
  await anna.answer('dial', true);
  assert.deepEqual(anna.window.state.peers, [], 'one yes is not enough');
  await boris.answer('wait', true);
  assert.equal((await atAnna).name, 'Boris');
  assert.equal((await atBoris).name, 'Anna');
  const known = await anna.window.find('the peer', ({ peers }) => peers[0]);
  assert.deepEqual([known.name, known.addresses], ['Boris', [address]]);
});

suite('nobody is paired', () => {
  test('when one user sees another code; after three times there is a pause, on both sides', async (t) => {
    const { anna, boris, address } = await twoPeople(t);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { paired: atBoris } = await boris.wait('wait');
      const atAnna = anna.pair('dial', address);
      const failed = [assert.rejects(atAnna, /code-differs/u), assert.rejects(atBoris, /code-differs/u)];
      await Promise.all([anna.sees(attempt), boris.sees(attempt)]);
      await anna.answer('dial', true);
      await boris.answer('wait', false);
      await Promise.all(failed);
    }
    await assert.rejects(boris.pair('wait'), /pairing-paused/u);
    await assert.rejects(anna.pair('dial', address), /pairing-paused/u);
    assert.deepEqual([anna.window.state.peers, boris.window.state.peers], [[], []]);
  });

  test('when a window closes with the question open', async (t) => {
    const { anna, boris, address } = await twoPeople(t);
    const { paired } = await boris.wait('wait');
    const failed = assert.rejects(paired, /pairing-broken-off/u);
    void anna.pair('dial', address).catch(() => undefined);
    await Promise.all([anna.sees(), boris.sees()]);
    anna.window.leave();
    await failed;
  });

  test('when the receiver is off, or nobody waits, or two wait in one device', async (t) => {
    const { anna, boris, address } = await twoPeople(t);
    await assert.rejects(anna.pair('wait'), /not-listening/u);
    await assert.rejects(anna.pair('dial', address), /not-pairing/u);
    const { paired } = await boris.wait('first');
    const waiting = assert.rejects(paired, /code-differs/u);
    await assert.rejects(boris.pair('second'), /busy/u);
    await assert.rejects(boris.pair('third', '127.0.0.1:1'), /busy/u);
    const dialled = assert.rejects(anna.pair('dial', address), /code-differs/u);
    await boris.sees();
    await boris.answer('first', false);
    await Promise.all([waiting, dialled]);
  });

  test('by an answer to a question that nobody asked', async (t) => {
    const { anna } = await twoPeople(t);
    await assert.rejects(anna.answer('no such', true), /gone/u);
  });
});
