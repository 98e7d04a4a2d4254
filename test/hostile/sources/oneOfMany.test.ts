import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';
import { makeSettled, waysToChange } from './changes.ts';
import { assertReceipt, send } from './sending.ts';

const FILES = 10_000;
const FOLDERS = 10;
const OLD = 'O'.repeat(100);

/** Small files in a few folders; one for each way to change it lies in the sixth. */
function makeSource(t: TestContext, victims: readonly string[]): string {
  const folder = join(scratchFolder(t), 'sent');
  for (let at = 0; at < FILES - victims.length; at += 1) {
    const inner = join(folder, String(at % FOLDERS));
    if (at < FOLDERS) mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, String(Math.floor(at / FOLDERS))), String(at));
  }
  for (const victim of victims) makeSettled(join(folder, '5', victim), OLD);
  return folder;
}

/** Changes so many of them; exactly those fail, each for its reason, and all others arrive. */
async function check(t: TestContext, count: number): Promise<void> {
  const ways = Object.values(waysToChange(OLD)).map(({ apply, closed }, at) => ({
    apply,
    closed,
    name: `victim ${at}`,
  }));
  const changed = ways.slice(-count);
  const source = makeSource(
    t,
    ways.map(({ name }) => name),
  );
  const sent = await send(source, new SimDisk(), {
    onOffered: () => changed.forEach(({ name, apply }) => apply(join(source, '5', name))),
  });
  assertReceipt(sent);
  assert.deepEqual(
    sent.failed.toSorted(),
    changed.map(({ name, closed }) => `sent/5/${name}: ${closed}`),
  );
  assert.equal(sent.outgoing.receipt?.counts.failed, count);
  const files = Object.entries(sent.arrived).filter(([, content]) => content !== '<folder>');
  assert.equal(files.length, FILES - count);
  for (const { name } of changed) assert.equal(sent.arrived[`sent/5/${name}`], undefined);
  const wrong = files.filter(([path, content]) => {
    const [, folder, name] = path.split('/');
    return (
      content !==
      (name?.startsWith('victim') === true ? OLD : String(Number(name) * FOLDERS + Number(folder)))
    );
  });
  assert.deepEqual(wrong, []);
}

test('case 86: one of 10,000 files fails: 9,999 arrive, and the report names the one', (t) => check(t, 1));

test('case 86: eight of 10,000 files fail, in eight ways: each is named with its reason, the rest arrives', (t) =>
  check(t, 8));
