import { createHash } from 'node:crypto';
import { chunkBytesFor, isPacked } from '../../src/protocol/chunkLayout.ts';
import type { SimContent } from '../support/simContent.ts';
import { holds, lookInto, mayBeNamed, published } from './inspection.ts';
import type { SourceFile } from './sourceTree.ts';
import type { World } from './world.ts';

/** What of a version of a file lies right in staging. */
export interface Staged {
  readonly file: SourceFile;
  readonly bytes: number;
}

/**
 * By path, what lies right in the staging folder of what is sent, chunk by chunk: none of it may travel again,
 * whatever happened before. What has its final name already is left out: it depends on more.
 */
export function rightInStaging(world: World): ReadonlyMap<string, Staged> {
  const { machines, receiveFolder, staging, tree } = world;
  const right = new Map<string, Staged>();
  const { disk } = machines.receiver;
  const named = published(lookInto(disk, receiveFolder));
  const staged = new Map(lookInto(disk, staging).map(({ path, content }) => [path, content]));
  for (const path of tree.paths) {
    const file = tree.find(path);
    const part = createHash('sha256').update(path).digest('hex');
    const [root = ''] = path.split('/');
    // Where somebody has made a folder of the same name, what is sent is merged into it, and built elsewhere.
    const isMerged = named.some((each) => each.path === root);
    const content = staged.get(isMerged ? `parts/${part}` : `tree/${path}`) ?? staged.get(`parts/${part}`);
    if (file === undefined || content === undefined) continue;
    if (named.some((each) => mayBeNamed(each.path, path))) continue;
    right.set(path, { file, bytes: rightBytes(content, file.bytes) });
  }
  return right;
}

function rightBytes(content: SimContent, bytes: Uint8Array): number {
  if (isPacked(bytes.length)) return holds(content, bytes) ? bytes.length : 0;
  const chunkBytes = chunkBytesFor(bytes.length);
  let right = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    if (content.has(chunk, at)) right += chunk.length;
  }
  return right;
}
