/** The bench's own arithmetic: a wrong median or a lenient judge would make every figure worthless. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { judge, judgeMemory } from '../../bench/budgets.ts';
import type { Budget } from '../../bench/budgets.ts';
import { dataAt } from '../../bench/dataSets.ts';
import type { Race } from '../../bench/figures.ts';
import { findDifference } from '../../bench/identical.ts';
import { OURS } from '../../bench/ours.ts';
import { PATHS } from '../../bench/paths.ts';
import { ratioOf, spreadOf } from '../../bench/statistics.ts';
import { makeWorkspace } from '../../bench/workspace.ts';

test('the median of an odd and of an even number of figures, with the ends', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 10]), { median: 3, least: 1, most: 10 });
  assert.throws(() => spreadOf([]), /no figures/u);
});

test('ratios are taken within a round, and not of medians', () => {
  // Both are slow in the second round: the machine was.
  assert.deepEqual(ratioOf([2, 20, 4], [1, 10, 2]), { median: 2, least: 2, most: 2 });
  assert.deepEqual(ratioOf([2, 20], [1]), { median: 2, least: 2, most: 2 });
  assert.equal(ratioOf([], [1]), undefined);
});

test('a budget is met at its figure, missed below it, and not measured without one', () => {
  const tool: Budget['yardstick'] = { than: 'tool', tool: 'scp', timesAsFast: 2 };
  assert.equal(verdictOn(tool, { [OURS]: [1, 1, 1], scp: [2, 2, 2] }), 'met');
  assert.equal(verdictOn(tool, { [OURS]: [1, 1, 1], scp: [1.9, 1.9, 9] }), 'missed');
  assert.equal(verdictOn(tool, { [OURS]: [1, 1, 1], scp: [] }), 'not measured');
  // 100 MB over 300 Mbit/s take 2.67 s.
  const line: Budget['yardstick'] = { than: 'line', share: 0.8 };
  assert.equal(verdictOn(line, { [OURS]: [3.3] }), 'met');
  assert.equal(verdictOn(line, { [OURS]: [3.4] }), 'missed');
  // Each of these samples has moved a tenth.
  assert.equal(verdictOn({ than: 'bytes', atMostShare: 0.1 }, { [OURS]: [1] }), 'met');
  assert.equal(verdictOn({ than: 'bytes', atMostShare: 0.09 }, { [OURS]: [1] }), 'missed');
});

test('memory is judged by the larger of the two engines', () => {
  const sizes = {
    name: 'file',
    title: '',
    bytes: 0,
    files: 0,
    seconds: 0,
    disk: '',
    measuredAt: '',
    commit: '',
  };
  const peaks = { senderPeakBytes: 100, receiverPeakBytes: 200 };
  assert.equal(judgeMemory({ ...sizes, ...peaks }, 200), 'met');
  assert.equal(judgeMemory({ ...sizes, ...peaks }, 199), 'missed');
  assert.equal(judgeMemory({ ...sizes, ...peaks, failed: 'busy' }, 200), 'missed');
});

test('the workspace is the same each time; a change, a missing file and one too many are found', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-courier-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  await makeWorkspace(one, 60);
  await makeWorkspace(other, 60);
  assert.equal(dataAt(one).files, 60);
  assert.equal(await findDifference(one, other), undefined);
  const files = readdirSync(other, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.'),
  );
  const [first = '', second = ''] = files.toSorted();
  const content = readFileSync(join(other, first));
  writeFileSync(join(other, first), content.with(content.length - 1, 0));
  assert.equal(await findDifference(one, other), join(other, first));
  writeFileSync(join(other, first), content);
  writeFileSync(join(other, 'zzz'), '');
  assert.equal(await findDifference(one, other), join(other, 'zzz'));
  assert.equal(await findDifference(other, one), join(one, 'zzz'));
  rmSync(join(other, 'zzz'));
  rmSync(join(other, second));
  assert.notEqual(await findDifference(one, other), undefined);
});

test('a budget is missed where ours did not get through', () => {
  const yardstick: Budget['yardstick'] = { than: 'tool', tool: 'scp', timesAsFast: 2 };
  const raced = raceOf({ [OURS]: [1], scp: [9] });
  const tools = raced.tools.map((each) =>
    each.tool === OURS ? Object.assign(each, { ended: 'broken' }) : each,
  );
  assert.equal(judge(farNoise(yardstick), [{ ...raced, tools }], PATHS).verdict, 'missed');
});

/** What a judge says about 100 MB over the far path that took so many seconds. */
function verdictOn(
  yardstick: Budget['yardstick'],
  seconds: Readonly<Record<string, readonly number[]>>,
): string {
  return judge(farNoise(yardstick), [raceOf(seconds)], PATHS).verdict;
}

function farNoise(yardstick: Budget['yardstick']): Budget {
  return { path: 'far', data: 'noise', kind: 'budget', yardstick };
}

function raceOf(seconds: Readonly<Record<string, readonly number[]>>): Race {
  const samples = (each: readonly number[]) =>
    each.map((figure) => ({ seconds: figure, processorSeconds: 0, peakBytes: 0, pathBytes: 10e6 }));
  const about = { path: 'far', data: 'noise', bytes: 100e6, files: 1, measuredAt: '', commit: '', load: 0 };
  return {
    ...about,
    tools: Object.entries(seconds).map(([tool, each]) => ({ tool, samples: samples(each) })),
  };
}
