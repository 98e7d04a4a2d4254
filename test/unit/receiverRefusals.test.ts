/** What a receiver refuses of a sender although the type of the frame is right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { encodeReplyHead } from '../../src/protocol/chunkReply.ts';
import type { ChunkReply } from '../../src/protocol/chunkReply.ts';
import { limits } from '../../src/protocol/limits.ts';
import { frame } from '../support/samples.ts';
import { headerOf, testRefusal, testTaken } from '../support/sessionChecks.ts';
import type { Heard } from '../support/sessionChecks.ts';
import type { SessionPair } from '../support/sessionPair.ts';
import { PACK, RANGE, RANGE_REPLY, receiverIn, TOTALS } from '../support/sessionStates.ts';

const listing = (): SessionPair => receiverIn('listing');
const pulling = (): SessionPair => receiverIn('pulling');
/** Wants both chunks, and has told no digest. */
const pullingAll = (): SessionPair => {
  const pair = listing();
  pair.receiver.answer(0, ['take', 'take', 'take']);
  pair.receiver.want(RANGE);
  pair.receiver.want(PACK);
  return pair;
};

const page = (entries: readonly unknown[], index = 1): Uint8Array => frame('page', { entries }, index);
const fileCalled = (path: string, size = 7): unknown => ['f', path, size, 0, false];
const numbered = (at: number): string => `d${String(at).padStart(6, '0')}`;
const huge = (count: number): unknown[] =>
  Array.from({ length: count }, (_, at) => fileCalled(numbered(at), limits.fileBytes));
const data = (parts: Partial<ChunkReply> = {}, index = 0): Uint8Array => {
  const reply = { ...RANGE_REPLY, ...parts };
  return frame('data', concatBytes([encodeReplyHead(reply), reply.body]), index);
};
const pack = (statuses: ChunkReply['statuses'], rawLength: number): Uint8Array =>
  data({ statuses, rawLength, body: new Uint8Array(rawLength) }, 1);
const same = (index: number): Uint8Array => frame('same', undefined, index);
const failed = (reason: string, index: number): Uint8Array => frame('failed', { reason }, index);

function check(what: string, heard: Heard, code?: string): void {
  testRefusal('receiver', what, heard, code);
}

function checkTaken(what: string, heard: Heard): void {
  testTaken('receiver', what, heard);
}

check('a page that skips one', { after: listing, frames: [page([fileCalled('d')], 2)] });
check('the same page again', { after: listing, frames: [page([fileCalled('d')], 0)] });
check('case 50, a name that climbs', { after: listing, frames: [page([fileCalled('../d')])] });
check('case 53, a twin of a name in the page before', { after: listing, frames: [page([fileCalled('C')])] });
check('case 65, a link', { after: listing, frames: [page([['l', 'd', '/etc/passwd', 0]])] });
check('a file in a folder that was not listed', { after: listing, frames: [page([fileCalled('d/e')])] });
check('case 97, too many bytes', { after: listing, frames: [page(huge(1025))] }, 'limit-exceeded');
checkTaken('almost too many bytes', { after: listing, frames: [page(huge(1023))], told: ['page'] });
checkTaken('the next page', { after: listing, frames: [page([fileCalled('d')])], told: ['page'] });

for (const [name, value] of Object.entries({ pages: 2, entries: 2, files: 2, bytes: TOTALS.bytes - 1 })) {
  const end = frame('offerEnd', { ...TOTALS, [name]: value });
  check(`an offer that ends with other ${name}`, { after: listing, frames: [end] });
}

check('data that nobody wants', { after: listing, frames: [headerOf('data', 41)] });
for (const index of [2, 2 ** 32, 2 ** 53 - 1]) {
  check(`case 18, data of chunk ${index}`, { after: pulling, frames: [headerOf('data', 41, index)] });
}
check('case 18, data that comes twice', { after: pulling, frames: [data(), data()], told: ['chunk'] });
check('case 18, data after same', { after: pulling, frames: [same(0), data()], told: ['chunk-same'] });
check('case 18, same after data', { after: pulling, frames: [data(), same(0)], told: ['chunk'] });
const { length } = RANGE_REPLY.body;
check(
  'case 98, a byte too many',
  { after: pulling, frames: [headerOf('data', length + 41)] },
  'limit-exceeded',
);
check('a byte too few', { after: pulling, frames: [data({ body: RANGE_REPLY.body.subarray(1) })] });
checkTaken('chunks in any order', {
  after: pulling,
  frames: [pack(['bytes', 'bytes'], 11), data()],
  told: ['chunk', 'chunk'],
});

// The wants of `pulling` told the digests of the range and of the second file of the pack.
checkTaken('same for a file whose digest it told', {
  after: pulling,
  frames: [pack(['bytes', 'same'], 5)],
  told: ['chunk'],
});
check('same for a file whose digest it did not tell', {
  after: pulling,
  frames: [pack(['same', 'bytes'], 6)],
});
check('same for a pack of which it told one digest of two', { after: pulling, frames: [same(1)] });
check('same for a range whose digest it did not tell', { after: pullingAll, frames: [same(0)] });
check('same for a pack of which it told no digest', { after: pullingAll, frames: [same(1)] });
check('a pack that failed as a whole', { after: pulling, frames: [failed('source-changed', 1)] });
check('a failure that is not the sender’s to have', { after: pulling, frames: [failed('disk-error', 0)] });

test('case 96, the receiver takes as many pages as the limit, and not one more', () => {
  const pair = listing();
  for (let index = 1; index < limits.pages; index += 1) {
    pair.feed('receiver', page([fileCalled(numbered(index))], index));
  }
  assert.equal(pair.ends.receiver.types.at(-1), 'page');
  pair.feed('receiver', headerOf('page', 30, limits.pages));
  assert.deepEqual(pair.ends.receiver.endings, ['local limit-exceeded']);
});

test('what a refused peer is told does not repeat what it said', () => {
  const pair = listing();
  pair.feed('receiver', page([fileCalled('../s3cret')]));
  const told = Buffer.from(pair.ends.receiver.speak()).toString('latin1');
  assert.ok(told.includes('protocol-error') && !told.includes('s3cret'), told);
});
