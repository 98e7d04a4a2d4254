import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithin } from '../../src/engine/agreement.ts';
import type { OfferSummary } from '../../src/transfer/offerSummary.ts';

const MIB = 1024 ** 2;
const AGREED = { roots: ['logs', 'notes'], rootCount: 2, files: 100, bytes: 1000 * MIB, notable: 1 };

function offer(change: {
  readonly roots?: readonly string[];
  readonly rootCount?: number;
  readonly files?: number;
  readonly bytes?: number;
  readonly notable?: number;
}): OfferSummary {
  const { roots, rootCount, files, bytes, notable } = { ...AGREED, ...change };
  return {
    transfer: 'a'.repeat(32),
    label: 'logs and 1 more',
    totals: { entries: files + 2, files, bytes },
    leftOut: 0,
    roots,
    rootCount,
    largest: [],
    notable: { count: notable, first: [] },
  };
}

function check(name: string, change: Parameters<typeof offer>[0], expected: boolean): void {
  test(`${name}: ${expected ? 'within what was agreed to' : 'asked about anew'}`, () => {
    assert.equal(isWithin(offer(change), AGREED), expected);
  });
}

check('the same', {}, true);
check('less', { files: 1, bytes: 1 }, true);
check('a tenth and 16 MiB more', { bytes: 1116 * MIB }, true);
check('one byte beyond that', { bytes: 1116 * MIB + 1 }, false);
check('a tenth and 16 files more', { files: 126 }, true);
check('one file beyond that', { files: 127 }, false);
check('another name', { roots: ['logs', 'other'] }, false);
check('the same names in another order', { roots: ['notes', 'logs'] }, false);
check('one name less', { roots: ['logs'], rootCount: 1 }, false);
check('one more name than is told', { rootCount: 3 }, false);
check('one more name that programs obey', { notable: 2 }, false);
check('none of those any more', { notable: 0 }, true);
