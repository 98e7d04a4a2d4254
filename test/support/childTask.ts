import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CourierError } from '../../src/base/failure.ts';
import { TransferLocks } from '../../src/engine/transferLock.ts';
import { createCompression } from '../../src/node/codec/zlibCompression.ts';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import { Publishing } from '../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { loadIdentity } from '../../src/node/identity/identityFile.ts';
import { InviteFiles } from '../../src/node/state/inviteFiles.ts';
import { KnownPeers } from '../../src/node/state/knownPeers.ts';
import { writeNewFile } from '../../src/node/state/stateFile.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import { fingerprintNo } from './fingerprints.ts';

/**
 * The other end of `children.ts`: does one thing in a process of its own, when it is told to, and sends
 * back what came of it. Never imported.
 */

const tasks: Readonly<Record<string, (...texts: readonly string[]) => unknown>> = {
  exit: () => undefined,
  writeNewFile: (file = '', text = '') => writeNewFile(file, text),
  redeem: (folder = '', invite = '') => new InviteFiles(folder).redeem(invite),
  identity: async (file = '') => {
    const { fingerprint } = await loadIdentity(file);
    return fingerprint;
  },
  /** Pairs with `count` peers from number `first` on, all of one name, and renames every second. */
  rememberPeers(folder = '', first = '', count = '') {
    const peers = new KnownPeers(folder);
    for (let number = Number(first); number < Number(first) + Number(count); number += 1) {
      const fingerprint = fingerprintNo(number);
      peers.remember({ fingerprint, name: 'Mac', addresses: [{ host: 'h', port: number + 1 }] });
      if (number % 2 === 0) peers.rename(fingerprint, `renamed ${number}`);
    }
  },
  /** Remembers a peer and forgets it, as often as it is told; that another one was faster is no failure. */
  rememberAndForget(folder = '', text = '', times = '') {
    const peers = new KnownPeers(folder);
    const fingerprint = parseFingerprint(text);
    if (fingerprint === undefined) throw new RangeError(text);
    for (let time = 0; time < Number(times); time += 1) {
      peers.remember({ fingerprint, name: 'Anna', addresses: [{ host: 'h', port: 1 + time }] });
      try {
        peers.forget(fingerprint);
      } catch (error) {
        if (!CourierError.is(error, 'not-paired')) throw error;
      }
    }
  },
  /** Publishes `<parts>0` as `<location>0`, and so on. */
  tryPublish(parts = '', location = '', count = '') {
    const publishing = new Publishing(systemFiles);
    return Array.from({ length: Number(count) }, (_, at) =>
      publishing.tryPublishFile(`${parts}${at}`, `${location}${at}`),
    );
  },
  /** Takes a transfer and is killed before it lets go. */
  async holdTransfer(state = '', id = '') {
    await new TransferLocks(state).take(id);
    process.kill(process.pid, 'SIGKILL');
  },
  openFolder(folder = '') {
    try {
      ReceiveFolder.open(folder);
      return 'opened';
    } catch (error) {
      return CourierError.is(error) ? error.code : String(error);
    }
  },
  openTransfer(folder = '', id = '') {
    try {
      ReceiveFolder.open(folder).openTransfer(id, 'keep-both');
      return 'opened';
    } catch (error) {
      return CourierError.is(error) ? error.code : String(error);
    }
  },
  async decompress(codec = '', file = '', rawLength = '') {
    if (codec !== 'zstd' && codec !== 'gzip') throw new RangeError(codec);
    const compression = createCompression();
    const body = readFileSync(file);
    // Once in earnest before: what the codec and the thread pool need for themselves is there then.
    const sample = Buffer.alloc(4 * 1024 * 1024, 'sample');
    await compression.decompress(codec, await compression.compress(codec, sample, 0), sample.length);
    const before = process.resourceUsage().maxRSS;
    const outcome = await compression.decompress(codec, body, Number(rawLength)).then(
      () => 'accepted',
      () => 'refused',
    );
    return { outcome, grownBytes: (process.resourceUsage().maxRSS - before) * 1024 };
  },
  /** What listing tells of `folder`, and what reading each file in it does. */
  async listAndRead(folder = '') {
    const source = new FileSource([{ location: join(folder), name: 'root' }]);
    const found: Record<string, string> = {};
    for await (const item of source.list()) {
      if (item.type === 'left-out') found[item.path] = item.reason;
      else if (item.entry.kind === 'folder' || item.version === undefined) found[item.entry.path] = 'folder';
      else {
        const { entry, version } = item;
        found[entry.path] = await source.read(entry, version, 0, entry.size).then(
          () => 'read',
          (error: unknown) => (CourierError.is(error) ? error.code : String(error)),
        );
      }
    }
    await source.close();
    return found;
  },
};

process.once('message', () => {
  void (async () => {
    const [name = '', ...texts] = process.argv.slice(2);
    const result = await tasks[name]?.(...texts);
    process.send?.({ result }, () => process.disconnect());
  })();
});
process.send?.('ready');
