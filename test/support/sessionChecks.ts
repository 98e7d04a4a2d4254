import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { encodeHeader, FrameType } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import type { Role, SessionPair } from './sessionPair.ts';

export type Build = () => SessionPair;

/** What one end does with frames that all come in one piece. */
export interface Heard {
  /** Brings the pair to where the frames come. */
  readonly after: Build;
  readonly frames: readonly Uint8Array[];
  /** The types of the events before the end. */
  readonly told?: readonly string[];
}

/** A test that `role` ends the session with `code`, and says why. */
export function testRefusal(role: Role, what: string, heard: Heard, code = 'protocol-error'): void {
  test(`the ${role} refuses ${what}: ${code}`, () => {
    const { after, frames, told = [] } = heard;
    const pair = after();
    const end = pair.ends[role];
    const before = end.events.length;
    pair.feed(role, concatBytes(frames));
    assert.deepEqual(end.types.slice(before), [...told, 'closed']);
    assert.deepEqual(end.endings, [`local ${code}`]);
    assert.ok(end.speak().length > 0, 'says why');
  });
}

/** A test that `role` takes all the frames, and nothing ends. */
export function testTaken(role: Role, what: string, { after, frames, told = [] }: Heard): void {
  test(`the ${role} takes ${what}`, () => {
    const pair = after();
    const before = pair.ends[role].events.length;
    pair.feed(role, concatBytes(frames));
    assert.deepEqual(pair.ends[role].types.slice(before), told);
  });
}

/** A header alone: what it announces must be refused before it comes. */
export function headerOf(name: FrameName, length: number, index = 0): Uint8Array {
  return encodeHeader({ type: FrameType[name], length, index });
}
