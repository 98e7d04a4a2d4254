/** The question about an offer, and what we do with what was received: we show it, and run nothing of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineState } from '../../../src/rpc/model.ts';
import { answers, disk, executed, forgetAll, told } from './support/sinks.ts';
import { hostileOffer, hostileState } from './support/state.ts';

// After the listener stands in for the editor.
const { windowIn } = await import('./support/fakeWindow.ts');
const { promptOffer } = await import('../../../src/editor/offers/offerPrompt.ts');
const { open, reveal } = await import('../../../src/editor/received/receivedCommands.ts');
const { compareWithWorkspaceFile } = await import('../../../src/editor/received/compare.ts');
const { PeersView } = await import('../../../src/editor/views/peersView.ts');
const { details } = await import('../../../src/editor/words/transferWords.ts');

const NOTABLE = { count: 4, first: ['project/.vscode', 'project/.git', 'project/setup.exe'] };

function asking(): EngineState {
  const state = hostileState('Anna');
  const transfer = state.transfers.find(
    ({ phase, direction }) => phase === 'asking' && direction === 'incoming',
  );
  assert.ok(transfer);
  const offer = { ...hostileOffer('x'), notable: NOTABLE, conflicts: 0, folder: '/home/received' };
  return { ...state, transfers: [{ ...transfer, id: 'offer', label: 'project', offer }] };
}

/** The words of the question, the buttons below it, and what was asked of the engine. */
async function ask(choose: (label: string) => boolean) {
  forgetAll();
  answers.choose = choose;
  const { courier, calls } = windowIn(asking());
  await promptOffer(courier, 'offer');
  const [question = '', ...buttons] = told
    .filter(({ surface }) => surface === 'notice')
    .map(({ text }) => text);
  return { question, buttons, calls };
}

test('case 171: the question names the stored name, the fingerprint, count, size and place; Accept is not the default', async () => {
  const { question, buttons } = await ask(() => false);
  for (const part of ['Anna', 'ABAB-ABAB', 'project', 'Files: 3', '5 bytes', '/home/received']) {
    assert.ok(question.includes(part), `${part} in ${question}`);
  }
  // The first one is what the editor draws as the default, and presses for a key.
  assert.deepEqual(buttons, ['Save to…', 'Accept into Workspace', 'Decline']);
});

test('case 171: closing the question accepts nothing', async () => {
  const { calls } = await ask(() => false);
  assert.deepEqual(calls, []);
  // Not a modal dialog, whose first button would have the focus.
  assert.ok(told.every(({ surface }) => surface !== 'lines'));
  assert.deepEqual((await ask((label) => label === 'Decline')).calls, ['declineOffer']);
});

test('case 61, 177: the question and the tooltip of an offer point out what programs may run or obey', async () => {
  const { question } = await ask(() => false);
  const words =
    'Look before you open it. What programs may run or obey in it: 4 (project/.vscode, project/.git, project/setup.exe, …).';
  assert.ok(question.includes(words), question);
  const [transfer] = asking().transfers;
  assert.ok(transfer);
  assert.ok(details(transfer).includes(words));
});

/** What the editor was told to do with `names` of what was received, after a user chose `answer`. */
async function after(
  run: typeof open,
  name: string,
  {
    isFolder = false,
    answer = '',
    asked = name,
  }: { isFolder?: boolean; answer?: string; asked?: string } = {},
) {
  forgetAll();
  disk.isFolder = () => isFolder;
  answers.choose = (label) => label === answer;
  const state = hostileState('x');
  const [received] = state.received;
  assert.ok(received);
  const { courier } = windowIn({
    ...state,
    received: [{ ...received, id: 'it', folder: '/home/received', names: [name, 'other'] }],
  });
  await run({ ...courier, isRemoteHost: false }, { id: 'it', name: asked });
  return executed.map(({ command, args: [uri, ...more] }) => [
    command,
    (uri as { readonly path: string }).path,
    ...more,
  ]);
}

test('case 177, 178: a received folder is opened in a window of its own, and only when the user says so', async () => {
  const folder = { isFolder: true };
  assert.deepEqual(await after(open, 'project', folder), []);
  assert.deepEqual(await after(open, 'project', { ...folder, answer: 'Open in a new window' }), [
    ['vscode.openFolder', '/home/received/project', { forceNewWindow: true }],
  ]);
  assert.deepEqual(await after(open, 'project', { ...folder, answer: 'Show where it is' }), [
    ['revealFileInOS', '/home/received/project'],
  ]);
});

test('case 179: a received workspace, extension or notebook is shown where it lies, and never opened', async () => {
  for (const name of ['a.code-workspace', 'b.VSIX', 'c.ipynb', 'd.txt.IPYNB']) {
    const shown = [['revealFileInOS', `/home/received/${name}`]];
    assert.deepEqual(await after(open, name), shown, name);
    assert.deepEqual(await after(reveal, name), shown, name);
    assert.deepEqual(await after(compareWithWorkspaceFile, name), shown, name);
  }
  for (const name of ['notes.txt', 'page.html', 'x.vsix.md', 'vsix']) {
    assert.deepEqual(await after(open, name), [['vscode.open', `/home/received/${name}`]], name);
  }
});

test('case 170: a name that was not received is not opened, whoever asks', async () => {
  for (const asked of ['../../.ssh/id_rsa', '/etc/passwd', '__proto__']) {
    await assert.rejects(after(open, 'project', { asked }), /gone/u);
    assert.deepEqual(executed, []);
  }
});

test('case 183: the view and the row of this device say on which machine it receives', () => {
  forgetAll();
  const window = windowIn(hostileState('x'));
  const device = { name: 'Anna', fingerprint: 'ab'.repeat(32), machine: 'build-host' };
  const view = new PeersView(window.state, {
    onVisible: () => undefined,
    onShown: () => undefined,
    onDrop: () => undefined,
  });
  window.state.apply({ device });
  assert.ok(told.some(({ surface, text }) => surface === 'tree' && text === 'build-host'));
  const [row] = view.getChildren();
  assert.ok(row);
  const { tooltip } = view.getTreeItem(row);
  assert.ok(typeof tooltip === 'string');
  assert.match(tooltip, /^build-host$/mu);
  view.dispose();
});

test('case 183: in a remote window what was received is said to be on the remote machine', async () => {
  forgetAll();
  const { courier } = windowIn(hostileState('x'));
  await reveal({ ...courier, isRemoteHost: true }, { id: 'received 0', name: 'x' });
  const said = told.find(({ surface }) => surface === 'notice');
  assert.equal(said?.text, 'It is on the remote machine: /home/x/x');
  assert.deepEqual(executed, []);
});
