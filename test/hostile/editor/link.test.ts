/** Links that open the editor come from anywhere: a page, a message, a document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '../../../src/peers/fingerprint.ts';
import { answers, forgetAll, told } from './support/sinks.ts';

// After the listener stands in for the editor.
const { fakeWindow } = await import('./support/fakeWindow.ts');
const { openLink } = await import('../../../src/editor/pairing/openLink.ts');

const FINGERPRINT = fingerprintOf(new Uint8Array(32).fill(0xab));
const QUERY = Buffer.from([1, ...new Uint8Array(32).fill(0xab), ...new Uint8Array(40)]).toString('base64url');
const PEER = { fingerprint: FINGERPRINT, name: 'Boris', addresses: [], policy: { kind: 'default' } };

/** Opens a link in a window whose user presses the button with that label, if there is one. */
async function follow(path: string, query: string, button?: string) {
  forgetAll();
  answers.choose = (label) => label === button;
  const { courier, calls } = fakeWindow(() => PEER);
  await openLink(courier, { path, query });
  return { calls, told: told.filter(({ surface }) => surface !== 'log').map(({ text }) => text) };
}

test('a link pairs with nobody by itself: closing the question, and its default, are a no', async () => {
  for (const button of [undefined, 'Do Not Pair']) {
    const { calls, told: texts } = await follow('/invite', QUERY, button);
    assert.deepEqual(calls, []);
    assert.ok(
      texts.some((text) => text.includes('ABAB ABAB ABAB ABAB')),
      texts.join('\n'),
    );
    assert.ok(texts.indexOf('Do Not Pair') < texts.indexOf('Pair'), 'the first button is the default');
  }
});

test('whoever says yes pairs with whom the invite names', async () => {
  const { calls } = await follow('/invite', QUERY, 'Pair');
  assert.deepEqual(calls, ['useInvite']);
});

test('any other link is told to be none, and asks for nothing', async () => {
  for (const [path, query] of [
    ['/invite', ''],
    ['/send', QUERY],
    ['/invite', `${QUERY}&peerCourier.accept=known`],
    ['/invite', 'A'.repeat(40)],
  ] as const) {
    const { calls, told: texts } = await follow(path, query, 'Pair');
    assert.deepEqual([calls, texts], [[], ['This link is not a whole invite. Copy it again, all of it.']]);
  }
});
