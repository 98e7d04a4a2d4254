/**
 * What `npm run demo:terminal` does: starts a receiver and a sender, two processes with a state folder each, sends
 * this project's own `node_modules` from one to the other over TLS on loopback, and compares what arrived
 * with what was sent, byte for byte. Sets itself up first; leaves nothing behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { compareFolders } from './demoFolder.mjs';
import { ensureReady, nodePath } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'node_modules');

/** Runs the terminal program. @param {readonly string[]} words */
function start(...words) {
  return spawn(nodePath, [join(root, 'dist', 'cli.js'), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * The events that a program started with `--json` tells, by name, until the wanted one.
 * @param {import('node:child_process').ChildProcess} program @param {string} wanted
 * @returns {Promise<any>}
 */
async function eventOf(program, wanted) {
  if (program.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: program.stdout })) {
    const event = JSON.parse(line);
    if (event.event === wanted) return event;
    if (event.event === 'failed') throw new Error(event.message);
  }
  throw new Error(`The program ended before it said "${wanted}".`);
}

async function demo() {
  ensureReady({ build: true });
  const scratch = mkdtempSync(join(tmpdir(), 'peer-courier-demo-'));
  const [folder, invite] = [join(scratch, 'received'), join(scratch, 'invite')];
  mkdirSync(folder);
  const receiver = start(
    'receive',
    '--folder',
    folder,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--once',
    '--json',
    '--invite-file',
    invite,
    '--state',
    join(scratch, 'receiver'),
  );
  const stopped = once(receiver, 'exit');
  try {
    const listening = await eventOf(receiver, 'listening');
    console.log(`1. A receiver listens on ${listening.host}:${listening.port} and has written an invite.`);
    console.log(`   Its key: ${listening.fingerprint}`);
    console.log(`2. A sender with an identity of its own uses the invite and sends node_modules:`);
    const sender = start(
      'send',
      source,
      '--invite-file',
      invite,
      '--state',
      join(scratch, 'sender'),
      '--json',
    );
    const ended = once(sender, 'exit');
    const sent = await eventOf(sender, 'sent');
    const [status] = await ended;
    await stopped;
    if (status !== 0) throw new Error(`The sender ended with status ${status}.`);
    const { files, folders } = compareFolders(source, join(folder, 'node_modules'));
    const megabytes = sent.bytes / 1e6;
    console.log(`   ${sent.leftOut} links were left out, as always.`);
    console.log(`3. What arrived was compared with what was sent: identical, byte for byte.`);
    console.log(`   Arrived  ${files} files and ${folders} folders, ${megabytes.toFixed(1)} MB`);
    console.log(`   Digest   ${sent.root}`);
    console.log(
      `   Rate     ${(sent.bytesPerSecond / 1e6).toFixed(1)} MB/s, with encryption, verification and sync to disk`,
    );
  } finally {
    receiver.kill();
    await stopped;
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  await demo();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
