import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chunkBytesFor, isPacked } from '../../../src/protocol/chunkLayout.ts';
import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import { treeBytes } from '../../support/memoryTree.ts';
import type { MemoryTree } from '../../support/memoryTree.ts';
import { TRANSFER_ID } from '../../support/memoryTransfer.ts';
import { SimDisk } from '../../support/simDisk.ts';
import type { SimDiskOptions, SimPicture } from '../../support/simDisk.ts';
import { FOLDER } from './session.ts';
import type { SessionReport } from './session.ts';

/** `MemorySource` offers all files with this time. */
const OFFERED_MS = -1;
const STAGING = `${STAGING_FOLDER}/${TRANSFER_ID}`;
const REPLACED = `${STAGING_FOLDER}/replaced/${TRANSFER_ID}`;
const ELSEWHERE = Buffer.from('not in the receive folder');
/** What replies add to the files in them, bytes at most. */
const REPLY_OVERHEAD_BYTES = 512;

export interface SceneInit {
  readonly policy: ConflictPolicy;
  readonly tree: MemoryTree;
  /** What is there before, by its path in the receive folder. Files under names of the offer are replaced. */
  readonly there?: Readonly<Record<string, Uint8Array | 'folder'>>;
  /** By name at the top of the offer: the one that it gets instead, because that is taken. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Whether the receive folder is made by the transfer. */
  readonly makesFolder?: boolean;
  readonly disk?: SimDiskOptions;
}

type Picture = ReadonlyMap<string, SimPicture>;

/** A transfer, what it finds, and what may and must be there while and after it runs. */
export class Scene {
  readonly policy: ConflictPolicy;
  readonly tree: MemoryTree;
  readonly #init: SceneInit;

  constructor(init: SceneInit) {
    this.#init = init;
    this.policy = init.policy;
    this.tree = init.tree;
  }

  /** A disk on which nothing has happened yet. */
  disk(): SimDisk {
    const disk = new SimDisk(this.#init.disk);
    disk.plant('/home/somebody/else.txt', ELSEWHERE);
    if (this.#init.makesFolder !== true) disk.plant(FOLDER, 'folder');
    for (const [path, what] of Object.entries(this.#init.there ?? {})) disk.plant(`${FOLDER}/${path}`, what);
    return disk.settled();
  }

  /**
   * What must hold at every moment: each name of the offer is absent, or old, or has all of the new; what is not ours
   * is untouched, and what is replaced stands in its place or is kept. With `isPromised`, all of the new is there.
   */
  checkAlways(
    disk: SimDisk,
    {
      isPromised,
      failed = new Set(),
    }: { readonly isPromised: boolean; readonly failed?: ReadonlySet<string> },
  ): void {
    const picture = this.#pictureOf(disk);
    const elsewhere = disk.picture('/home/somebody').get('else.txt');
    assert.ok(isSame(elsewhere, ELSEWHERE));
    for (const [path, there] of picture) {
      if (isWithin(path, STAGING_FOLDER)) continue;
      assert.ok(this.#mayStand(path, there), `${path} holds ${there.kind} of ${there.content.size} bytes`);
    }
    this.#checkTrees(picture, failed);
    for (const [path, what] of Object.entries(this.#init.there ?? {})) {
      if (this.#isReplaced(path)) this.#checkOld(picture, path, what);
      else assert.ok(isSame(picture.get(path), what), `${path} is not ours`);
    }
    if (isPromised) this.#checkAllNew(picture);
  }

  /** What must hold when the transfer is over: that, and nothing else. */
  checkDone(disk: SimDisk): void {
    this.checkAlways(disk, { isPromised: true });
    const picture = this.#pictureOf(disk);
    const replaced = Object.keys(this.#init.there ?? {}).filter((path) => this.#isReplaced(path));
    const kept = replaced.map((path) => `${REPLACED}/${path}`).flatMap(withParents);
    const expected = new Set([
      ...[...this.tree.keys()].map((path) => this.#finalPath(path)),
      ...Object.keys(this.#init.there ?? {}).flatMap(withParents),
      ...kept,
    ]);
    const found = [...picture.keys()].filter(
      (path) => expected.has(path) || !this.#isKeptPlaceholder(path, picture),
    );
    assert.deepEqual(found.toSorted(), [...expected].toSorted());
  }

  /** A session that ended well, and sent no more than `mostBytes` of files. */
  checkEnd({ outgoing, incoming, sentBytes, failed }: SessionReport, mostBytes = Infinity): void {
    assert.deepEqual([...failed], []);
    assert.deepEqual([outgoing.end.close.code, incoming.end.close.code], ['done', 'done']);
    assert.equal(outgoing.receipt?.root, incoming.receipt?.root);
    assert.ok(
      sentBytes <= mostBytes + REPLY_OVERHEAD_BYTES,
      `${sentBytes} bytes were sent, ${mostBytes} missing`,
    );
  }

  /** How many bytes of the offer lie nowhere where the next session has to find them. */
  missingBytes(disk: SimDisk): number {
    const picture = this.#pictureOf(disk);
    let found = 0;
    for (const [path, node] of this.tree) {
      if (node.kind !== 'file') continue;
      const part = createHash('sha256').update(path).digest('hex');
      const staged = [`${STAGING}/tree/${path}`, `${STAGING}/parts/${part}`];
      const isFile = (place: string): SimPicture[] => {
        const there = picture.get(place);
        return there?.kind === 'file' ? [there] : [];
      };
      const final = this.#finalPath(path);
      found += foundBytes(node.bytes, {
        built: staged.flatMap(isFile),
        published: this.#isNew(path, picture.get(final)) ? isFile(final) : [],
        older: this.#isReplaced(path) ? isFile(final) : [],
      });
    }
    return treeBytes(this.tree) - found;
  }

  /** What stands where it was offered, is not what was there, and is no complete file of these offers. */
  spliced(disk: SimDisk, offers: readonly MemoryTree[]): readonly string[] {
    const contents = offers.flatMap((tree) =>
      [...tree.values()].flatMap((node) => (node.kind === 'file' ? [node.bytes] : [])),
    );
    return [...this.#pictureOf(disk)]
      .filter(([path, { kind }]) => kind === 'file' && !isWithin(path, STAGING_FOLDER))
      .filter(([path, there]) => !isSame(there, this.#init.there?.[path] ?? 'folder'))
      .filter(([, there]) => !contents.some((bytes) => isSame(there, bytes)))
      .map(([path]) => path);
  }

  /** The paths of the offer that stand there, complete. */
  standing(disk: SimDisk): ReadonlySet<string> {
    const picture = this.#pictureOf(disk);
    return new Set(
      [...this.tree.keys()].filter((path) => this.#isNew(path, picture.get(this.#finalPath(path)))),
    );
  }

  #pictureOf(disk: SimDisk): Picture {
    return disk.picture(FOLDER);
  }

  #finalPath(path: string): string {
    const [root = '', ...rest] = path.split('/');
    return [this.#init.renamed?.[root] ?? root, ...rest].join('/');
  }

  #isReplaced(path: string): boolean {
    return this.policy === 'replace' && this.tree.get(path)?.kind === 'file';
  }

  #isNew(path: string, there: SimPicture | undefined): boolean {
    const node = this.tree.get(path);
    if (node?.kind === 'folder') return there?.kind === 'folder';
    if (node?.kind !== 'file' || there === undefined) return false;
    return isSame(there, node.bytes) && there.mtimeMs === OFFERED_MS;
  }

  /** Whether something outside of staging may be there: new, old, or somebody else's. */
  #mayStand(path: string, there: SimPicture): boolean {
    const old = this.#init.there?.[path];
    if (old !== undefined && isSame(there, old)) return true;
    const leadsToTheirs = Object.keys(this.#init.there ?? {}).some(
      (each) => each !== path && isWithin(each, path),
    );
    if (leadsToTheirs) return there.kind === 'folder';
    const offered = [...this.tree.keys()].find((each) => this.#finalPath(each) === path);
    if (offered === undefined) return false;
    // Without hard links an empty file has to take the name first.
    const isPlaceholder = there.kind === 'file' && there.content.size === 0;
    return this.#isNew(offered, there) || (this.#init.disk?.hasHardLinks === false && isPlaceholder);
  }

  /** A folder that was not there comes with all that is in it, or it is the empty one that takes the name. */
  #checkTrees(picture: Picture, failed: ReadonlySet<string>): void {
    for (const [root, node] of this.tree) {
      const isMerged = this.policy === 'replace' && this.#init.there?.[root] !== undefined;
      if (node.kind !== 'folder' || root.includes('/') || isMerged) continue;
      const final = this.#finalPath(root);
      const inside = [...picture.keys()].filter((path) => path !== final && isWithin(path, final));
      if (inside.length === 0) continue;
      const offered = [...this.tree.keys()].filter((path) => path !== root && isWithin(path, root));
      const expected = new Set(offered.map((path) => this.#finalPath(path)));
      const strangers = inside.filter((path) => !expected.has(path));
      assert.deepEqual(strangers, []);
      const missing = offered.filter((path) => !inside.includes(this.#finalPath(path)) && !failed.has(path));
      assert.deepEqual(missing, [], `all of ${root} or nothing`);
    }
  }

  /**
   * Without hard links an empty file takes the name first. One that a crash has left cannot be told from an empty
   * file of somebody's, and is kept like that when it is replaced.
   */
  #isKeptPlaceholder(path: string, picture: Picture): boolean {
    if (this.#init.disk?.hasHardLinks !== false || !isWithin(path, REPLACED)) return false;
    return [...picture].every(([each, { content }]) => !isWithin(each, path) || content.size === 0);
  }

  #checkOld(picture: Picture, path: string, what: Uint8Array | 'folder'): void {
    const kept = picture.get(`${REPLACED}/${path}`);
    if (kept !== undefined) assert.ok(isSame(kept, what), `the kept ${path} has changed`);
    assert.ok(isSame(kept, what) || isSame(picture.get(path), what), `the old ${path} is lost`);
  }

  #checkAllNew(picture: Picture): void {
    for (const path of this.tree.keys()) {
      const final = this.#finalPath(path);
      assert.ok(this.#isNew(path, picture.get(final)), `${final} was promised`);
    }
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function withParents(path: string): string[] {
  const names = path.split('/');
  return names.map((_, at) => names.slice(0, at + 1).join('/'));
}

function isSame(there: SimPicture | undefined, what: Uint8Array | 'folder'): boolean {
  if (what === 'folder') return there?.kind === 'folder';
  return there?.kind === 'file' && there.content.size === what.length && there.content.has(what);
}

/** How many bytes of the chunks of a file are there. An older version is only looked at behind what is built. */
function foundBytes(
  bytes: Uint8Array,
  { built, published, older }: Readonly<Record<'built' | 'published' | 'older', readonly SimPicture[]>>,
): number {
  const step = isPacked(bytes.length) ? Math.max(1, bytes.length) : chunkBytesFor(bytes.length);
  let found = 0;
  for (let at = 0; at < bytes.length; at += step) {
    const chunk = bytes.subarray(at, at + step);
    const has = ({ content }: SimPicture): boolean =>
      content.has(chunk, at) && (!isPacked(bytes.length) || content.size === bytes.length);
    const isBuilt = built.some(({ content }) => content.size >= at + chunk.length);
    if ([...built, ...published, ...(isBuilt ? [] : older)].some(has)) found += chunk.length;
  }
  return found;
}
