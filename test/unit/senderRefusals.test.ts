/** What a sender refuses of a receiver although the type of the frame is right. */
import { limits } from '../../src/protocol/limits.ts';
import { file, frame } from '../support/samples.ts';
import { headerOf, testRefusal, testTaken } from '../support/sessionChecks.ts';
import type { Heard } from '../support/sessionChecks.ts';
import type { SessionPair } from '../support/sessionPair.ts';
import { LAYOUT, RECEIPT, senderIn, TOTALS } from '../support/sessionStates.ts';

const serving = (): SessionPair => senderIn('serving');
const offering = (): SessionPair => senderIn('offering');
const offered = (): SessionPair => senderIn('offered');
const wanted = (): SessionPair => senderIn('wanted');
/** Has more chunks than may be wanted at once. */
const manyServed = (): SessionPair => {
  const pair = serving();
  pair.sender.serveUpTo(limits.openWants + 5);
  return pair;
};
/** Has a second page, which is not answered. */
const twoPages = (): SessionPair => {
  const pair = serving();
  pair.sender.sendPage([file('d')]);
  pair.sender.endOffer(0);
  return pair;
};

const want = (index: number): Uint8Array => frame('want', undefined, index);
const wants = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => want(index));
const wantedTimes = (count: number): string[] => Array.from({ length: count }, () => 'wanted');
const take = (count: number, page = 0): Uint8Array => frame('answer', { decisions: [['take', count]] }, page);
const progress = (bytes: number, entries = 0): Uint8Array => frame('progress', { bytes, entries });
const receipt = (parts: Partial<typeof RECEIPT> = {}): Uint8Array =>
  frame('receipt', { ...RECEIPT, ...parts });

function check(what: string, heard: Heard, code?: string): void {
  testRefusal('sender', what, heard, code);
}

function checkTaken(what: string, heard: Heard): void {
  testTaken('sender', what, heard);
}

for (const index of [LAYOUT.endChunk, LAYOUT.endChunk + 1, 2 ** 32, 2 ** 53 - 1]) {
  check(`case 16, a want of chunk ${index} of 2`, { after: serving, frames: [headerOf('want', 0, index)] });
}
const most = limits.openWants;
check('case 40, a want of a page that is not answered', { after: offering, frames: [want(0)] });
check('case 18, a want of what is wanted', { after: serving, frames: [want(1), want(1)], told: ['wanted'] });
check(
  'too many wants',
  { after: manyServed, frames: wants(most + 1), told: wantedTimes(most) },
  'limit-exceeded',
);
checkTaken('as many wants as may be open', {
  after: manyServed,
  frames: wants(most),
  told: wantedTimes(most),
});
checkTaken('a want of nothing held, said in JSON', {
  after: serving,
  frames: [frame('want', {})],
  told: ['wanted'],
});
check('case 13, a want with a short digest', { after: serving, frames: [frame('want', { have: ['ab'] })] });
check('case 12, a want after the receipt', {
  after: offered,
  frames: [receipt(), want(0)],
  told: ['receipt'],
});

check('an answer to the page after the next', { after: offering, frames: [take(3, 1)] });
check('an answer to a page that was never sent', { after: serving, frames: [take(3, 1)] });
check('case 12, a second answer to a page', { after: serving, frames: [take(3, 0)] });
check('an answer for too few entries', { after: offering, frames: [take(2)] });
check('an answer for too many entries', { after: offering, frames: [take(4)] });

const { bytes } = TOTALS;
check('case 115, progress beyond the offer', { after: offered, frames: [progress(bytes + 1)] });
check('case 115, progress of more entries than offered', { after: offered, frames: [progress(0, 4)] });
check('progress that goes back', { after: offered, frames: [progress(5), progress(4)], told: ['confirmed'] });
checkTaken('progress up to the offer', { after: offered, frames: [progress(bytes, 3)], told: ['confirmed'] });
checkTaken('progress that rests', {
  after: offered,
  frames: [progress(5), progress(5)],
  told: ['confirmed', 'confirmed'],
});

check('case 12, a receipt while a want is open', { after: wanted, frames: [receipt()] });
check('case 12, a receipt before the offer ends', { after: serving, frames: [receipt()] });
check('case 12, a receipt before all is answered', { after: twoPages, frames: [receipt()] });
check('case 12, a second receipt', { after: offered, frames: [receipt(), receipt()], told: ['receipt'] });
check('a receipt that leaves an entry out', { after: offered, frames: [receipt({ published: 2 })] });
check('a receipt with an entry too many', { after: offered, frames: [receipt({ failed: 1 })] });
check('a receipt whose numbers are huge', { after: offered, frames: [receipt({ skipped: limits.entries })] });
