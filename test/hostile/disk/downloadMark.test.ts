/** Received files are marked as come from elsewhere, where a system has a mark for that: before they get their names. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { DownloadMark } from '../../../src/node/disk/downloadMark.ts';
import type { MarkTools } from '../../../src/node/disk/downloadMark.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import type { Destination } from '../../../src/transfer/ports.ts';
import { Delivery, DELIVERED_MS } from '../../support/delivery.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { portPictureOf } from '../../support/portPicture.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';

const ID = '0d'.repeat(16);
const NOW_MS = 1_700_000_000_999;
const ZONE = '[ZoneTransfer]\r\nZoneId=3\r\n';

interface Run {
  readonly program: string;
  readonly words: readonly string[];
}

/** Tools of another system, and what they were asked for. */
function toolsOf(platform: NodeJS.Platform, fails = false): MarkTools & { readonly runs: Run[] } {
  const runs: Run[] = [];
  return {
    platform,
    runs,
    nowMs: () => NOW_MS,
    async run(program, words) {
      runs.push({ program, words });
      if (fails) throw new Error('it has failed');
    },
  };
}

function filesOf(count: number, name = 'file'): { location: string; mtimeMs: number }[] {
  return Array.from({ length: count }, (_, at) => ({ location: `/in/${name} ${at}`, mtimeMs: 5000 + at }));
}

suite('macOS', () => {
  test('case 61: the quarantine attribute is set on many files at once', async () => {
    const tools = toolsOf('darwin');
    const files = filesOf(600);
    await new DownloadMark(new SimDisk().mount(), tools).mark(files);
    assert.deepEqual(
      tools.runs.map(({ program, words }) => [program, ...words.slice(0, 3), words.length - 3]),
      [256, 256, 88].map((count) => [
        '/usr/bin/xattr',
        '-w',
        'com.apple.quarantine',
        '0081;6553f100;Peer Courier;',
        count,
      ]),
    );
    const marked = tools.runs.flatMap(({ words }) => words.slice(3));
    assert.deepEqual(
      marked,
      files.map(({ location }) => location),
    );
  });

  test('the words of one run are never too long', async () => {
    const tools = toolsOf('darwin');
    await new DownloadMark(new SimDisk().mount(), tools).mark(filesOf(100, 'n'.repeat(4000)));
    assert.ok(tools.runs.length > 1);
    for (const { words } of tools.runs) assert.ok(words.join(' ').length < 128 * 1024);
  });

  test('nothing is run for nothing, and what fails is no reason to stop', async () => {
    const tools = toolsOf('darwin', true);
    const mark = new DownloadMark(new SimDisk().mount(), tools);
    await mark.mark([]);
    assert.deepEqual(tools.runs, []);
    await mark.mark(filesOf(300));
    assert.equal(tools.runs.length, 2);
  });
});

suite('Windows', () => {
  test('case 61: each file gets the stream of its zone, and keeps its time', async () => {
    const disk = new SimDisk();
    for (const { location } of filesOf(3)) disk.plant(location, Buffer.from('text'));
    // An earlier session has marked it.
    disk.plant('/in/file 1:Zone.Identifier', Buffer.from(ZONE));
    await new DownloadMark(disk.mount(), toolsOf('win32')).mark(filesOf(3));
    const picture = portPictureOf(disk.mount(), '/in');
    for (const at of [0, 1, 2]) assert.equal(picture[`file ${at}:Zone.Identifier`], ZONE);
    assert.equal(disk.mount().lstat('/in/file 2')?.mtimeMs, 5002);
  });

  test('a disk that keeps no streams is no reason to stop', async () => {
    const asked: string[] = [];
    const files = new SimDisk().mount({
      before({ name, location }) {
        if (name === 'open') asked.push(location);
        return name === 'open' ? 'EINVAL' : undefined;
      },
    });
    await new DownloadMark(files, toolsOf('win32')).mark(filesOf(2));
    assert.deepEqual(asked, ['/in/file 0:Zone.Identifier', '/in/file 1:Zone.Identifier']);
  });
});

test('Linux has no mark that anything obeys: nothing is done', async () => {
  const tools = toolsOf('linux');
  const files = new SimDisk().mount();
  await new DownloadMark(files, tools).mark(filesOf(2));
  assert.deepEqual([tools.runs.length, files.calls], [0, 0]);
});

suite('in a transfer', () => {
  const tree = treeOf({ album: null, 'album/small': 5, 'album/big': 300_000, big: 300_001, small: 7 });
  const NAMES = ['album', 'big', 'small'];

  test('case 61: every file is marked once it is complete and before it has its name, a resumed one too', async (t) => {
    const folder = scratchFolder(t);
    const marked: string[] = [];
    const markTools: MarkTools = {
      ...toolsOf('darwin'),
      async run(_, words) {
        for (const location of words.slice(3)) {
          assert.ok(existsSync(location), `${location} is there`);
          marked.push(location);
        }
        assert.deepEqual(
          readdirSync(folder).filter((name) => NAMES.includes(name)),
          marked.some((location) => basename(location) === 'big' && location.includes('tree'))
            ? ['big', 'small']
            : [],
        );
      },
    };
    const open = (): Destination =>
      ReceiveFolder.open(folder).openTransfer(ID, 'keep-both', {
        resume: true,
        keepsInterrupted: true,
        markTools,
      });
    const first = open();
    await new Delivery(first, tree).fill();
    await first.suspend();
    assert.deepEqual(marked, []);
    const second = open();
    const delivery = new Delivery(second, tree);
    assert.equal(await delivery.fill(), 0, 'all of it is held');
    assert.deepEqual((await delivery.publish()).failures, []);
    assert.equal(new Set(marked).size, 4);
    await second.abandon();
    assert.deepEqual(readdirSync(folder).toSorted(), NAMES);
  });

  test('what is published has the time of the offer, though the mark has changed it', async () => {
    const disk = new SimDisk();
    const destination = ReceiveFolder.open('/received', disk.mount()).openTransfer(ID, 'keep-both', {
      markTools: toolsOf('win32'),
    });
    const delivery = new Delivery(destination, tree);
    await delivery.deliver();
    for (const path of ['album/small', 'album/big', 'big', 'small']) {
      assert.equal(disk.mount().lstat(join('/received', path))?.mtimeMs, DELIVERED_MS, path);
    }
    assert.equal(portPictureOf(disk.mount(), '/received')['album/big:Zone.Identifier'], ZONE);
  });

  test('a mark that cannot be set fails nothing', async (t) => {
    const folder = scratchFolder(t);
    const markTools = toolsOf('darwin', true);
    const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both', { markTools });
    await new Delivery(destination, tree).deliver();
    assert.equal(markTools.runs.length, 2);
    assert.deepEqual(readdirSync(folder).toSorted(), NAMES);
  });
});
