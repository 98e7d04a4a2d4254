/**
 * The other end of `descriptors.test.ts`, in a process that may have few files open: lists, reads and receives with less
 * and less room, and tells what came of it. Never imported.
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CourierError } from '../../../src/base/failure.ts';
import { FileSource } from '../../../src/node/disk/fileSource.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { Delivery } from '../../support/delivery.ts';
import { treeOf } from '../../support/memoryTree.ts';

const [folder = ''] = process.argv.slice(2);
const outcomes: Record<string, number> = {};
const fillers: number[] = [];
const tree = treeOf({ in: null, 'in/a': null, 'in/a/b': null, 'in/a/b/c': 5, big: 300_000, single: 7 });

function count(outcome: string): void {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

function countError(error: unknown): void {
  count(CourierError.is(error) ? error.code : String(error));
}

async function send(): Promise<void> {
  const source = new FileSource([{ location: join(folder, 'sent'), name: 'sent' }]);
  for await (const item of source.list()) {
    count(item.type === 'entry' ? 'listed' : 'left-out');
    if (item.type !== 'entry' || item.entry.kind !== 'file' || item.version === undefined) continue;
    await source.read(item.entry, item.version, 0, item.entry.size).then(() => count('read'), countError);
  }
  await source.close();
}

/** Whether all of it arrived. */
async function receive(): Promise<boolean> {
  let destination;
  try {
    destination = ReceiveFolder.open(join(folder, 'received')).openTransfer('ef'.repeat(16), 'skip', {
      resume: true,
    });
  } catch (error) {
    countError(error);
    return false;
  }
  try {
    const delivery = new Delivery(destination, tree);
    await delivery.plan();
    await delivery.writeAll();
    const { failures } = await delivery.publish();
    count('received');
    return failures.length === 0;
  } catch (error) {
    countError(error);
    await destination.abandon().catch(() => undefined);
    return false;
  }
}

function openCount(): number {
  return readdirSync('/proc/self/fd').length;
}

await receive();
const files = systemFiles.below(folder);
files.removeTree(join(folder, 'deep'));
files.letGo();
const before = openCount();
const listing = openSync('/dev/null', 'r');
// Down to none at all.
for (let room = 14; room >= 0; room -= 1) {
  for (;;) {
    try {
      fillers.push(openSync('/dev/null', 'r'));
    } catch {
      break;
    }
  }
  for (const filler of fillers.splice(0, room)) closeSync(filler);
  await send();
  await receive();
}
for (const filler of fillers) closeSync(filler);
closeSync(listing);
const arrived = await receive();
const leaked = openCount() - before;
process.stdout.write(JSON.stringify({ leaked, outcomes, arrived }));
