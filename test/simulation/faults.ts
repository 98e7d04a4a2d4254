import { lookInto, published } from './inspection.ts';
import type { SimRandom } from '../support/simRandom.ts';
import type { Direction, Side } from '../support/simNet.ts';
import { contentOf } from './book.ts';
import { SOURCE_CHANGES } from './sourceTree.ts';
import type { Storm } from './storm.ts';
import { tamper } from './tampering.ts';
import { AWAY_FOLDER, RECEIVE_FOLDER } from './world.ts';
import type { World } from './world.ts';

/** Makes something go wrong; `false` if there was nothing to go wrong at the moment. */
type Fault = (world: World, storm: Storm, random: SimRandom) => boolean;

const ERRNOS = ['EIO', 'EIO', 'EMFILE', 'EACCES', 'ENOSPC', 'EBUSY', 'EROFS', 'EDQUOT', 'ENOMEM'];

const SYNCS: ReadonlySet<string> = new Set(['sync', 'datasync', 'syncNow', 'syncAll']);
const SYNC_ERRNOS: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EDQUOT']);

export const FAULTS = {
  'kill sender': kills('sender'),
  'kill receiver': kills('receiver'),
  'kill both': both(kills('sender'), kills('receiver')),
  'power loss of the sender': powerLosses('sender'),
  'power loss of the receiver': powerLosses('receiver'),
  'power loss of both': both(powerLosses('sender'), powerLosses('receiver')),
  'connection ended': cuts('end'),
  'connection reset': cuts('reset'),
  'connection forgotten': cuts('forget'),
  'lane ended': cuts('end', 'a lane'),
  'lane reset': cuts('reset', 'a lane'),
  'lane forgotten': cuts('forget', 'a lane'),
  'black hole': both(blackHole('to receiver'), blackHole('to sender')),
  'black hole to the receiver': blackHole('to receiver'),
  'black hole to the sender': blackHole('to sender'),
  'slow reader': (world, storm, random) => {
    world.net.readDelayMs = random.spread(0.1, 30);
    storm.healAfter(random.spread(100, 10_000), 'reading is fast again', () => {
      world.net.readDelayMs = 0;
    });
    return true;
  },
  'disk full': (world, storm, random) => {
    const { receiver } = world.machines;
    receiver.capacityBytes = receiver.disk.inodes.usedBytes + Math.floor(random.spread(1, 400_000));
    storm.healAfter(random.spread(50, 40_000), 'the disk has room again', () => {
      receiver.capacityBytes = Number.MAX_SAFE_INTEGER;
    });
    return true;
  },
  'folder away': folderAway,
  'source changed': (world, _storm, random) => {
    const { sender } = world.machines;
    if (!sender.isUp) return false;
    const change = random.pick(SOURCE_CHANGES);
    const inUse = sender.lastLocation.slice(world.tree.folder.length + 1);
    const path = world.tree.change(sender.disk.mount(), change, {
      now: world.scheduler.now,
      ...(random.chance(0.6) ? { path: inUse } : {}),
    });
    if (path === undefined) return false;
    // Whoever changes a file on this machine sees to it that it lasts: its power is another fault.
    const covers = sender.disk.operations.length;
    sender.disk.sync({ of: 'everything', covers, isDataOnly: false, hasFailed: false });
    world.scheduler.note(`source: ${change} ${path}`);
    // An earlier session may have published it as it was, and by size and time it is the same.
    if (change === 'rewrite, time restored') world.excuse('name-taken', path);
    // … or as a file, where a folder is offered now.
    if (change === 'folder instead') {
      for (const each of [path, `${path}/inside`]) world.excuse('name-taken', each);
    }
    world.observer.disturbed();
    return true;
  },
  stranger: (world, _storm, random) => {
    if (!world.machines.receiver.isUp) return false;
    const paths = [...world.tree.roots, ...world.tree.paths];
    const offered = random.pick(paths);
    const path = random.chance(0.3) ? numbered(offered) : offered;
    const bytes = contentOf(`stranger ${path} ${world.belongings.length}`, random.between(40, 5000));
    if (!world.plant(path, bytes)) return false;
    world.book.add({ kind: 'stranger', path, version: world.belongings.length }, bytes);
    world.scheduler.note(`a stranger's ${path}`);
    world.observer.disturbed();
    return true;
  },
  'received file edited': (world, _storm, random) => {
    const { disk, isUp } = world.machines.receiver;
    const ours = published(lookInto(disk, world.receiveFolder)).filter(
      // An empty file may only hold the name, for a moment.
      ({ path, content }) =>
        content !== undefined && content.size > 0 && !world.belongings.some((each) => each.path === path),
    );
    if (ours.length === 0 || !isUp) return false;
    const { path } = random.pick(ours);
    disk.mount().unlink(`${world.receiveFolder}/${path}`);
    const bytes = contentOf(`edited ${path} ${world.belongings.length}`, random.between(40, 5000));
    world.plant(path, bytes);
    world.edited.add(path);
    world.book.add({ kind: 'stranger', path, version: world.belongings.length }, bytes);
    world.scheduler.note(`somebody edits ${path}`);
    world.observer.disturbed();
    return true;
  },
  'staging tampered': (world, storm, random) => {
    if (world.receiver === undefined) return false;
    world.kill('receiver');
    const isDone = tamper(world, random);
    world.observer.disturbed();
    restartLater(world, storm, random, 'receiver');
    return isDone;
  },
  'slow disk': (world, storm, random) => {
    const machine = world.machines[random.pick<Side>(['sender', 'receiver'])];
    machine.slowness = random.spread(3, 300);
    storm.healAfter(random.spread(100, 20_000), 'the disk is fast again', () => {
      machine.slowness = 1;
    });
    return true;
  },
  'sender paused': (world, storm, random) => {
    if (world.sender === undefined) return false;
    world.sender.job.pause();
    const resume = (): void => {
      // Its user resumes it when it is there again.
      if (world.sender === undefined) storm.healAfter(1000, '', resume);
      else world.sender.job.resume();
    };
    storm.healAfter(random.spread(100, 40_000), 'the sender resumes', resume);
    return true;
  },
  'receiver paused': (world, storm, random) => {
    const transfer = world.receiver?.current;
    if (transfer === undefined) return false;
    transfer.pause();
    storm.healAfter(random.spread(100, 40_000), 'the receiver resumes', () => transfer.resume());
    return true;
  },
  'receiver call fails': failingCalls('receiver'),
  'receiver call is short': shortCalls('receiver'),
  'sender call fails': failingCalls('sender'),
  'sender call is short': shortCalls('sender'),
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

function both(one: Fault, other: Fault): Fault {
  return (world, storm, random) => {
    const results = [one(world, storm, random), other(world, storm, random)];
    return results.every(Boolean);
  };
}

function kills(side: Side): Fault {
  return (world, storm, random) => {
    if (world[side] === undefined) return false;
    world.kill(side);
    restartLater(world, storm, random, side);
    return true;
  };
}

function powerLosses(side: Side): Fault {
  return (world, storm, random) => {
    if (world[side] === undefined) return false;
    world.losePower(side);
    if (side === 'receiver') world.observer.disturbed();
    restartLater(world, storm, random, side);
    return true;
  };
}

function restartLater(world: World, storm: Storm, random: SimRandom, side: Side): void {
  storm.healAfter(random.spread(20, 20_000), `the ${side} starts again`, () => world.boot(side));
}

function cuts(how: 'end' | 'reset' | 'forget', what: 'everything' | 'a lane' = 'everything'): Fault {
  return (world) => {
    world.scheduler.note(`${what}: ${how}`);
    return world.net.cut(how, what);
  };
}

function blackHole(direction: Direction): Fault {
  return (world, storm, random) => {
    world.scheduler.note(`nothing passes ${direction}`);
    world.net.block(direction);
    storm.healAfter(random.spread(100, 60_000), `it passes ${direction} again`, () =>
      world.net.unblock(direction),
    );
    return true;
  };
}

/** The receive folder's disk is taken off for a while; at times its mount point stays. */
function folderAway(world: World, storm: Storm, random: SimRandom): boolean {
  const { receiver: machine } = world.machines;
  if (world.isFolderAway || !machine.isUp || !world.isAgreed) return false;
  const move = (from: string, to: string): void => {
    const mount = machine.disk.mount();
    mount.rename(from, to);
    const of = mount.lstat('/home/receiver')?.ino ?? 0;
    machine.disk.sync({ of, covers: machine.disk.operations.length, isDataOnly: false, hasFailed: false });
  };
  move(RECEIVE_FOLDER, AWAY_FOLDER);
  world.isFolderAway = true;
  world.scheduler.note('the receive folder is away');
  const excuse = world.excuse('disk-error');
  if (random.chance(0.5) && machine.disk.freeBytes > 1000) machine.disk.mount().mkdir(RECEIVE_FOLDER);
  world.observer.disturbed();
  const back = (): void => {
    if (!machine.isUp) {
      storm.healAfter(1000, '', back);
      return;
    }
    world.requireUntouched(RECEIVE_FOLDER);
    machine.disk.mount().removeTree(RECEIVE_FOLDER);
    move(AWAY_FOLDER, RECEIVE_FOLDER);
    world.isFolderAway = false;
    excuse.untilMs = world.scheduler.now;
  };
  storm.healAfter(random.spread(100, 40_000), 'the receive folder is back', back);
  return true;
}

/** This call fails, and maybe the next ones. */
function failingCalls(side: Side): Fault {
  return (world, _storm, random) => {
    const machine = world.machines[side];
    const errno = random.pick(ERRNOS);
    let left = random.pick([1, 1, 1, 2, 5]);
    machine.failNext = ({ name }) => {
      const isSync = SYNCS.has(name);
      if (isSync && !SYNC_ERRNOS.has(errno)) return undefined;
      // A folder that may not be read is not synced; but that does not come and go.
      if (name === 'open' && errno === 'EACCES') return undefined;
      // What a sync has lost is lost: it must be removed, and that has to work.
      left = isSync ? 0 : left - 1;
      if (left <= 0) machine.failNext = undefined;
      excuseCall(world, side);
      // A place that we may not look into is none to receive into.
      if (errno === 'EACCES') world.excuse('name-taken').untilMs = world.scheduler.now;
      world.scheduler.note(`${side}: ${errno}`);
      return errno;
    };
    return true;
  };
}

function shortCalls(side: Side): Fault {
  return (world, _storm, random) => {
    const machine = world.machines[side];
    const most = Math.floor(random.spread(1, 50_000));
    machine.failNext = ({ name }) => {
      if (!['read', 'readNow', 'write', 'writeNow'].includes(name)) return undefined;
      machine.failNext = undefined;
      world.scheduler.note(`${side}: ${most} bytes at most`);
      return most;
    };
    return true;
  };
}

function excuseCall(world: World, side: Side): void {
  world.excuse(side === 'sender' ? 'source-unreadable' : 'disk-error').untilMs = world.scheduler.now;
  world.observer.disturbed();
}

function numbered(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? `${path.slice(0, dot)} (2)${path.slice(dot)}` : `${path} (2)`;
}
