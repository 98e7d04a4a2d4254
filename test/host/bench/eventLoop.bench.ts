/**
 * How late the extension host's event loop is: idle, while this window sends at full speed with everything that
 * shows it visible, and, to tell the extension's share from the machine's, while two other programs transfer the
 * same and this window looks on. `scripts/benchEditor.mjs` says where the data is and reads the figures.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite, suiteTeardown, test } from 'mocha';
import { Uri, commands, env } from 'vscode';
import { extensionUnderTest } from '../support/extensionUnderTest.ts';
import { type LoopDelay, loopDelayWhile } from '../support/loopDelay.ts';
import { print } from '../support/print.ts';

const IDLE_MS = 15_000;
const WORK_MS = 20_000;
const PATIENCE_MS = 60_000;
const SETTLE_MS = 4000;
const GLANCE_MS = 500;

const BENCH_FOLDER = process.env['PEER_COURIER_BENCH_FOLDER'] ?? '';
const TERMINAL_PROGRAM = process.env['PEER_COURIER_BENCH_CLI'] ?? '';
/** What is sent: more than can be moved while it is measured. */
const DATA = join(BENCH_FOLDER, 'data');

const running: ChildProcess[] = [];

suite('bench', () => {
  suiteTeardown(stopAll);

  test('idle', async () => {
    await extensionUnderTest().activate();
    await commands.executeCommand('peerCourier.transfers.focus');
    await pause(SETTLE_MS);
    report('idle', await loopDelayWhile(() => pause(IDLE_MS)));
  }).timeout(2 * PATIENCE_MS);

  test('this window sends', async () => {
    const receiver = await startReceiver('window');
    await env.clipboard.writeText(await readFile(receiver.invite, 'utf8'));
    // It offers what is on the clipboard; that is confirmed, and the message that it worked stays on the screen.
    void commands.executeCommand('peerCourier.useInvite');
    await pause(SETTLE_MS);
    await commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await pause(SETTLE_MS);
    void commands.executeCommand('peerCourier.send', Uri.file(DATA), undefined, receiver.fingerprint);
    await until(async () => {
      await commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return (await bytesIn(receiver.log)) > 0;
    });
    await measureTransfer('sending', receiver.log);
    await stopAll();
  }).timeout(3 * PATIENCE_MS);

  test('others send', async () => {
    const receiver = await startReceiver('other');
    startProgram('sender', 'send', DATA, '--invite-file', receiver.invite);
    await until(async () => (await bytesIn(receiver.log)) > 0);
    await measureTransfer('beside', receiver.log);
  }).timeout(3 * PATIENCE_MS);
});

async function measureTransfer(name: string, log: string): Promise<void> {
  const [bytesBefore, before] = [await bytesIn(log), performance.now()];
  const delay = await loopDelayWhile(() => pause(WORK_MS));
  const seconds = (performance.now() - before) / 1000;
  const bytes = (await bytesIn(log)) - bytesBefore;
  assert.notEqual(bytes, 0, 'nothing has moved');
  report(name, delay, bytes / seconds);
}

function report(name: string, delay: LoopDelay, bytesPerSecond?: number): void {
  print(JSON.stringify({ name, ...delay, bytesPerSecond }));
}

/** A receiver in a process of its own that accepts from whoever has its invite. */
async function startReceiver(name: string) {
  const [invite, folder] = [join(BENCH_FOLDER, `${name}.invite`), join(BENCH_FOLDER, 'received', name)];
  const place = ['--folder', folder, '--host', '127.0.0.1', '--port', '0'];
  const log = startProgram(name, 'receive', ...place, '--invite-file', invite);
  let fingerprint = '';
  await until(async () => {
    const listening = (await events(log)).find(({ event }) => event === 'listening');
    fingerprint = listening?.fingerprint ?? '';
    return listening !== undefined;
  });
  return { invite, log, fingerprint };
}

/** Starts the terminal program and returns the file that its events go to, past this process. */
function startProgram(name: string, ...words: readonly string[]): string {
  const log = join(BENCH_FOLDER, `${name}.log`);
  const file = openSync(log, 'w');
  const state = join(BENCH_FOLDER, 'state', name);
  const program = spawn(process.execPath, [TERMINAL_PROGRAM, ...words, '--state', state, '--json'], {
    stdio: ['ignore', file, 'inherit'],
  });
  closeSync(file);
  running.push(program);
  return log;
}

async function stopAll(): Promise<void> {
  for (const program of running.splice(0)) program.kill('SIGKILL');
  await pause(SETTLE_MS);
}

type ProgramEvent = { readonly event: string; readonly fingerprint?: string; readonly bytesDone?: number };

async function events(log: string): Promise<readonly ProgramEvent[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as ProgramEvent);
}

/** What has arrived and is verified. */
async function bytesIn(log: string): Promise<number> {
  return (await events(log)).findLast(({ event }) => event === 'progress')?.bytesDone ?? 0;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, 'it did not come to that in time');
    await pause(GLANCE_MS);
  }
}
