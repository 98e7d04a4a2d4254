import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageNumber, multicastQuestion } from '../../src/node/net/multicastQuestion.ts';

test('a question for our service and for the list of all, byte by byte', () => {
  const names = [
    '\u000d_peer-courier\u0004_tcp\u0005local\u0000',
    '\u0009_services\u0007_dns-sd\u0004_udp\u0005local\u0000',
  ];
  const expected = Buffer.concat([
    // Number, flags, two questions, no answers.
    Buffer.from('abcd00000002000000000000', 'hex'),
    ...names.flatMap((name) => [Buffer.from(name, 'latin1'), Buffer.from('000c0001', 'hex')]),
  ]);
  assert.deepEqual(Buffer.from(multicastQuestion(0xabcd)), expected);
});

test('a message is known by its number, and what is shorter than a head is none', () => {
  assert.equal(messageNumber(multicastQuestion(1)), 1);
  assert.equal(messageNumber(multicastQuestion(65_535)), 65_535);
  assert.equal(messageNumber(new Uint8Array(12)), 0);
  assert.equal(messageNumber(new Uint8Array(11)), undefined);
  assert.equal(messageNumber(new Uint8Array(0)), undefined);
  // A view into something larger, as sockets give it.
  assert.equal(messageNumber(Uint8Array.from([9, 9, ...multicastQuestion(513)]).subarray(2)), 513);
});
