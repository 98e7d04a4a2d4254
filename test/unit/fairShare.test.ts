import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairShare } from '../../src/base/fairShare.ts';

test('each member hears how many there are, whenever that changes', () => {
  const share = new FairShare();
  const heard: string[] = [];
  const leaveFirst = share.join((count) => heard.push(`first ${count}`));
  const leaveSecond = share.join((count) => heard.push(`second ${count}`));
  leaveFirst();
  leaveFirst();
  leaveSecond();
  assert.deepEqual(heard, ['first 1', 'first 2', 'second 2', 'second 1']);
});
