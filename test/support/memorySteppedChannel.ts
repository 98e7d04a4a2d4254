import assert from 'node:assert/strict';
import { AsyncQueue } from '../../src/base/queue.ts';
import { encodeHeader, FrameType, frameName } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import { FrameDecoder } from '../../src/protocol/frameDecoder.ts';
import { decodeMessage } from '../../src/protocol/messages.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { MemoryGate } from './memoryGate.ts';

/** A channel whose every step a test decides on. */
export class SteppedChannel implements Channel {
  readonly sends: Uint8Array[][] = [];
  readonly room = new MemoryGate({ isOpen: true });
  readonly arriving = new AsyncQueue<Uint8Array | Error>();
  sendFault: Error | undefined;
  closeFault: Error | undefined;
  sendsUnderWay = 0;
  isClosed = false;
  wasLeft = false;

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    assert.equal(this.sendsUnderWay, 0, 'one send at a time');
    assert.equal(this.isClosed, false, 'nothing is sent after close');
    if (this.sendFault !== undefined) throw this.sendFault;
    this.sends.push([...pieces]);
    this.sendsUnderWay += 1;
    await this.room.pass();
    this.sendsUnderWay -= 1;
  }

  readonly inbound: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      const items = this.arriving[Symbol.asyncIterator]();
      return {
        next: async () => {
          const result = await items.next();
          if (result.done === true) return { done: true, value: undefined };
          if (result.value instanceof Error) throw result.value;
          return { done: false, value: result.value };
        },
        return: () => {
          this.wasLeft = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };

  close(): Promise<void> {
    this.isClosed = true;
    this.room.open();
    this.arriving.end();
    return this.closeFault === undefined ? Promise.resolve() : Promise.reject(this.closeFault);
  }

  /** The peer says something. */
  hear(name: FrameName, payload: Uint8Array = new Uint8Array(0), index = 0): void {
    this.arriving.push(encodeHeader({ type: FrameType[name], length: payload.length, index }));
    if (payload.length > 0) this.arriving.push(payload);
  }

  /** What we have said: names, with the index or the code of a close. */
  get said(): string[] {
    const decoder = new FrameDecoder({ admit: () => undefined });
    return [...decoder.push(Buffer.concat(this.sends.flat()))].map(({ type, index, payload }) => {
      const name = frameName(type);
      if (name === 'close') return `close ${decodeMessage('close', payload).code}`;
      return name === 'want' ? `want ${index}` : name;
    });
  }
}
