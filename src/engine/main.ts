import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pacedLogger } from '../base/pacedLogger.ts';
import { printable, printableLines } from '../base/printable.ts';
import { systemClock } from '../node/clock.ts';
import { tuneRuntime } from '../node/tunedRuntime.ts';
import { READY_LINE } from '../rpc/contract.ts';
import { Courier } from './courier.ts';
import { appendToCrashLog } from './crashLog.ts';
import { holdEndpoint } from './endpoint.ts';
import { packageVersion } from '../node/packageVersion.ts';
import { watchMachine } from './machineWatch.ts';
import { Publisher } from './publisher.ts';
import { Windows } from './windows.ts';

/**
 * The engine process: `engine.js --storage DIR`. It says `ready` when a window can attach, to itself or
 * to the engine that was there before it. It is crash-only: it ends by exiting, whatever runs; the next
 * one goes on from what is on the disk. Once the editor has ended nothing of it stays.
 */

/** How often it looks whether its endpoint is still its own. */
const WATCH_MS = 30_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { storage: { type: 'string' } } });
  const { storage } = values;
  if (storage === undefined) throw new Error('--storage is missing');
  process.title = 'peer-courier-engine';
  // The editor that started it may be gone before it.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', (error) => crash(storage, error));

  // The endpoint is needed to make what serves it, and serves nobody before.
  let windows: Windows | undefined;
  const endpoint = await holdEndpoint(storage, (socket) => {
    if (windows === undefined) socket.destroy();
    else windows.attach(socket);
  });
  if (endpoint !== undefined) {
    const told = {
      debug: (text: string) => attached.log('debug', printable(text, 1000)),
      warn: (text: string) => attached.log('warn', printable(text, 1000)),
    };
    const logger = pacedLogger(told, systemClock);
    const attached: Windows = new Windows({
      endpoint,
      version: packageVersion(new URL('../package.json', import.meta.url)),
      clock: systemClock,
      courier: (settings) => {
        const courier: Courier = new Courier({
          storage,
          settings,
          logger,
          onChange: (section) => publisher.changed(section),
          onOffer: (id) => attached.prompt(id),
          workspaceFolders: () => attached.workspaceFolders,
        });
        const publisher = new Publisher({
          clock: systemClock,
          sections: (names) => courier.sections(names),
          isMoving: () => courier.isMoving,
          publish: (change) => attached.publish(change),
        });
        watchMachine(() => courier.machineChanged());
        return courier;
      },
      onIdle: () => process.exit(0),
      onHandOver: () => process.exit(0),
    });
    windows = attached;
    setInterval(() => {
      if (!endpoint.isOurs()) process.exit(1);
    }, WATCH_MS).unref();
  }
  process.stdout.write(`${READY_LINE}\n`);
}

/** What nobody foresaw is written down for whoever looks; then the next engine takes over. */
function crash(storage: string, error: Error): void {
  const text = `${new Date().toISOString()} ${printableLines(error.stack ?? error.message)}\n`;
  process.stderr.write(text);
  try {
    appendToCrashLog(join(storage, 'crash.log'), text);
  } finally {
    process.exit(1);
  }
}

tuneRuntime();
try {
  await main();
} catch (error) {
  process.stderr.write(`${printableLines(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
