import { concatBytes } from '../../src/base/bytes.ts';
import type { SimRandom } from '../support/simRandom.ts';
import { bytesOf, lookInto } from './inspection.ts';
import type { World } from './world.ts';

/**
 * Changes what an interrupted session has left in staging, as a person or another program might; `false` if there
 * is nothing. What is changed gets a new inode: a file there may have its final name already, too.
 */
export function tamper(world: World, random: SimRandom): boolean {
  const { disk } = world.machines.receiver;
  const mount = disk.mount();
  const { staging } = world;
  const files = lookInto(disk, staging).filter(({ kind }) => kind === 'file');
  if (files.length === 0) return false;
  const { path, content } = random.pick(files);
  const isJournal = path === 'published';
  if (isJournal) world.isJournalTampered = true;
  const bytes = content === undefined ? new Uint8Array(0) : bytesOf(content);
  const write = (at: string, changed: Uint8Array): void => {
    mount.unlink(`${staging}/${at}`);
    disk.plant(`${staging}/${at}`, changed);
  };
  const how = random.weighted({ flip: 4, cut: 3, grow: 2, swap: 3, remove: 2, removeAll: 1, makeFolder: 1 });
  world.scheduler.note(`tampering: ${how} ${path}`);
  switch (how) {
    case 'flip': {
      if (bytes.length === 0) return false;
      const flipped = bytes.slice();
      for (let count = random.between(1, 3); count > 0; count -= 1) {
        const at = random.below(flipped.length);
        flipped[at] = 255 - (flipped[at] ?? 0);
      }
      write(path, flipped);
      return true;
    }
    case 'cut':
      write(path, bytes.slice(0, random.below(bytes.length + 1)));
      return true;
    case 'grow':
      write(path, concatBytes([bytes, new Uint8Array(random.between(1, 300_000)).fill(7)]));
      return true;
    case 'swap': {
      const other = random.pick(files);
      if (other.path === 'published' || isJournal) world.isJournalTampered = true;
      write(path, other.content === undefined ? bytes : bytesOf(other.content));
      if (other.path !== path) write(other.path, bytes);
      return true;
    }
    case 'remove':
      mount.unlink(`${staging}/${path}`);
      return true;
    case 'removeAll':
      world.isJournalTampered = true;
      mount.removeTree(staging);
      return true;
    case 'makeFolder':
      mount.unlink(`${staging}/${path}`);
      disk.plant(`${staging}/${path}/inside`, new Uint8Array(10));
      return true;
  }
}
