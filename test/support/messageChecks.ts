import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { CourierError } from '../../src/base/failure.ts';
import { decodeMessage } from '../../src/protocol/messages.ts';
import type { MessageName } from '../../src/protocol/messages.ts';
import { isRemoteError, sampleMessages } from './samples.ts';

export const messageNames = Object.keys(sampleMessages) as MessageName[];

export function decodeText(name: MessageName, json: string): unknown {
  return decodeMessage(name, utf8(json));
}

/** Refused as the peer's fault. What a peer wrote must not come back in what we log. */
export function checkRefused(name: MessageName, payload: string | Uint8Array, secret?: string): void {
  assert.throws(
    () => decodeMessage(name, typeof payload === 'string' ? utf8(payload) : payload),
    (error) => {
      assert.ok(isRemoteError('protocol-error')(error), `not a remote error: ${String(error)}`);
      assert.ok(CourierError.is(error) && error.message.startsWith(`${name} is `), 'names the message');
      if (secret !== undefined) assert.ok(!error.message.includes(secret), `echoes ${secret}`);
      return true;
    },
    `${name} took ${String(payload).slice(0, 80)}`,
  );
}

/** Where a field stands in a message: keys and positions. */
export type Place = readonly (string | number)[];

/** The sample of a message as JSON, with `raw` written in place of what stands at `place`. */
export function replaced(name: MessageName, place: Place, raw: string): string {
  const marker = '@@here@@';
  const copy: unknown = structuredClone(sampleMessages[name]);
  let at = copy;
  for (const step of place.slice(0, -1)) at = (at as Record<string | number, unknown>)[step];
  const last = place.at(-1) ?? assert.fail('no place');
  assert.ok(last in (at as object), `${name} has nothing at ${place.join('.')}`);
  (at as Record<string | number, unknown>)[last] = marker;
  return JSON.stringify(copy).replace(`"${marker}"`, raw);
}
