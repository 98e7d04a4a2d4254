/**
 * Everything that the editor shows, once for each hostile text, with that text wherever a peer or a disk can put
 * one: what arrives at each surface is judged by the rules of the editor, which are copied here.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../../src/base/printable.ts';
import type { Courier } from '../../../src/editor/courier.ts';
import type { TransferSummary } from '../../../src/rpc/model.ts';
import { HOSTILE_TEXTS, MARK } from '../support/hostileTexts.ts';
import { answers, disk, executed, forgetAll, tell, told } from './support/sinks.ts';
import type { Surface } from './support/sinks.ts';
import { CODES, hostileExamination, hostilePreview, hostileState } from './support/state.ts';

// After the listener stands in for the editor.
const { fakeWindow } = await import('./support/fakeWindow.ts');
const { checkConnection } = await import('../../../src/editor/doctor/checkConnection.ts');
const { copyDoctorLine, copyDoctorReport } = await import('../../../src/editor/doctor/copyFromReport.ts');
const { confirmSend } = await import('../../../src/editor/send/confirmSend.ts');
const { pickPeer } = await import('../../../src/editor/send/pickPeer.ts');
const { sayEnd } = await import('../../../src/editor/send/sayEnd.ts');
const { TransferProgress } = await import('../../../src/editor/send/transferProgress.ts');
const { compareWithWorkspaceFile } = await import('../../../src/editor/received/compare.ts');
const { open, reveal } = await import('../../../src/editor/received/receivedCommands.ts');
const { promptOffer } = await import('../../../src/editor/offers/offerPrompt.ts');
const { saveOfferTo } = await import('../../../src/editor/offers/acceptFlow.ts');
const { tellWhenReceived } = await import('../../../src/editor/offers/tellWhenReceived.ts');
const { addByAddress } = await import('../../../src/editor/pairing/addByAddress.ts');
const { startReceiver } = await import('../../../src/editor/pairing/receiverCommands.ts');
const { sayPaired } = await import('../../../src/editor/pairing/useInvite.ts');
const { transferFor } = await import('../../../src/editor/transfers/pickTransfer.ts');
const { discardTransfer } = await import('../../../src/editor/transfers/transferCommands.ts');
const { forgetPeer } = await import('../../../src/editor/knownPeers/forgetPeer.ts');
const { knownPeerFor } = await import('../../../src/editor/knownPeers/pickKnownPeer.ts');
const { renamePeer } = await import('../../../src/editor/knownPeers/renamePeer.ts');
const { setPeerPolicy } = await import('../../../src/editor/knownPeers/setPeerPolicy.ts');
const { PeersView } = await import('../../../src/editor/views/peersView.ts');
const { TransfersView } = await import('../../../src/editor/views/transfersView.ts');
const { ReceivedView } = await import('../../../src/editor/views/receivedView.ts');
const { StatusBar } = await import('../../../src/editor/statusBar.ts');
const { StateStore } = await import('../../../src/editor/state.ts');
const { FailureError } = await import('../../../src/editor/model/editorFailure.ts');
const { showFailure } = await import('../../../src/editor/words/showFailure.ts');

/** `renderLabelWithIcons`, `parseLinkedText` and `MAX_MESSAGE_LENGTH` of VS Code 1.105 and later. */
const ICON = /(\\)?\$\(([A-Za-z0-9-]+(?:~[A-Za-z]+)?)\)/g;
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
const MOST_MESSAGE_CHARACTERS = 1000;
/** Icons of ours in the status bar's text. */
const OWN_ICONS = new Set(['inbox', 'sync~spin', 'cloud-download', 'warning']);
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

function drawnIcons(text: string): string[] {
  return [...text.matchAll(ICON)].flatMap(([, escaped, icon]) =>
    escaped === undefined && icon !== undefined ? [icon] : [],
  );
}

/** Why a text is not only text where it is shown; `undefined` if it is. */
function wrongWith(surface: Surface, text: string): string | undefined {
  const hasLines = surface === 'lines' || surface === 'log' || surface === 'page';
  const lines = hasLines ? text.split('\n') : [text];
  for (const line of lines) {
    // What keeps two characters from meaning something together is ours.
    const seen = surface === 'notice' ? line.replaceAll('\u200b', '') : line;
    if (INVISIBLE.test(seen)) return 'an invisible character';
    if (surface !== 'page' && [...line].length > MOST_MESSAGE_CHARACTERS) return 'too long';
  }
  switch (surface) {
    case 'notice':
      return LINK.test(text) ? 'a link' : undefined;
    case 'pick':
      return drawnIcons(text).length > 0 ? 'an icon' : undefined;
    case 'statusBar':
      if (text.includes(MARK)) return 'a text of a peer';
      return drawnIcons(text).every((icon) => OWN_ICONS.has(icon)) ? undefined : 'an icon';
    case 'page':
      return outsideOfCode(text).includes(MARK) ? 'a text that may be markup' : undefined;
    case 'log':
      return lines.slice(1).some((line) => !line.startsWith('    ')) ? 'an entry of its own' : undefined;
    default:
      return undefined;
  }
}

/** What Markdown gives a meaning to: not what stands in a block of code, nor between two backquotes of a line. */
function outsideOfCode(page: string): string {
  return page
    .replaceAll(/^ {2}```\n[^`]*^ {2}```$/gmu, '')
    .split('\n')
    .map((line) => line.replaceAll(/`[^`]*`/gu, ''))
    .join('\n');
}

/** A window in which `text` will be everywhere. */
function hostileWindow(text: string) {
  const { receiver } = hostileState(text);
  const found = { address: text, fingerprint: 'ab'.repeat(32), knownAs: undefined };
  const said = new Map<string, unknown>([
    ['lookUp', found],
    ['examine', hostileExamination(text)],
  ]);
  return fakeWindow((name) => said.get(name) ?? receiver);
}

type View<Node> = {
  getTreeItem(node: Node): unknown;
  getChildren(node?: Node): Node[];
};

function drawTree<Node>(view: View<Node>, node?: Node): void {
  for (const child of view.getChildren(node)) {
    const { label, description, tooltip, accessibilityInformation, command } = view.getTreeItem(child) as {
      readonly [part: string]: unknown;
    };
    tell('tree', label);
    tell('tree', description);
    tell('lines', tooltip);
    tell('title', (accessibilityInformation as { readonly label?: string } | undefined)?.label);
    tell('title', (command as { readonly title?: string } | undefined)?.title);
    drawTree(view, child);
  }
}

function drawViews({ state, log }: ReturnType<typeof hostileWindow>, courier: Courier, text: string): void {
  const nothing = (): void => undefined;
  const peers = new PeersView(state, { onVisible: nothing, onShown: nothing, onDrop: nothing });
  const transfers = new TransfersView(state, nothing);
  const received = new ReceivedView(state, nothing);
  const bar = new StatusBar(state);
  const progress = new TransferProgress(courier);
  state.apply(hostileState(text));
  drawTree(peers, undefined);
  drawTree(transfers, undefined);
  drawTree(received, undefined);
  for (const part of [peers, transfers, received, bar, progress]) part.dispose();
  log.warn(text);
  log.error(new Error(text).stack ?? '');
}

/** The status bar, with one transfer that moves, and with a receiver that failed. */
function drawStatusBar(text: string): void {
  const state = hostileState(text);
  const moving = state.transfers.filter(({ phase }) => phase === 'moving').slice(0, 1);
  const failed = { state: 'failed', failure: { code: 'internal', detail: text, origin: 'local' } } as const;
  for (const change of [
    { ...state, transfers: moving },
    { ...state, transfers: [] },
    { ...state, transfers: [], receiver: failed },
  ]) {
    const store = new StateStore();
    const bar = new StatusBar(store);
    store.apply(change);
    bar.dispose();
  }
}

async function askEverything({ courier, state, pages }: ReturnType<typeof hostileWindow>, text: string) {
  const { transfers, peers, received } = state.current;
  const one = (phase: string): TransferSummary => {
    const found = transfers.find((transfer) => transfer.phase === phase && transfer.direction === 'incoming');
    assert.ok(found);
    return found;
  };
  await promptOffer(courier, one('asking').id);
  await saveOfferTo(courier, one('asking'));
  for (const transfer of transfers) if (transfer.direction === 'outgoing') await sayEnd(transfer);
  for (const action of ['answer', 'pause', 'resume', 'cancel', 'discard', 'retry'] as const) {
    await transferFor(courier, undefined, action);
  }
  const { PeerNode, TransferNode } = await import('../../../src/editor/views/nodes.ts');
  for (const transfer of transfers.filter(({ phase }) => phase === 'interrupted')) {
    await discardTransfer(courier, new TransferNode(transfer));
  }
  for (const code of CODES) {
    for (const direction of ['incoming', 'outgoing', undefined] as const) {
      for (const origin of ['local', 'remote'] as const) {
        await showFailure(new FailureError({ code, detail: text, origin }), direction);
      }
    }
  }
  await showFailure(new Error(text));
  const [peer] = peers;
  assert.ok(peer);
  await confirmSend(peer, hostilePreview(text), { useGitignore: true, leaveOutSecrets: true });
  await confirmSend(peer, hostilePreview(text), { useGitignore: false, leaveOutSecrets: false });
  await pickPeer(courier);
  await sayPaired(peer);
  await startReceiver(courier);
  for (const { id, names } of received) {
    tellWhenReceived(courier, id);
    state.apply({ received: [...received] });
    await open(courier, { id }).catch(showFailure);
    await reveal(courier, { id }).catch(showFailure);
    for (const name of names) {
      await open(courier, { id, name });
      await compareWithWorkspaceFile(courier, { id, name }).catch(showFailure);
    }
  }
  await knownPeerFor(courier, undefined);
  const choose = answers.choose;
  for (const choice of ['Accept by itself…', 'Block']) {
    answers.choose = (label) => label === choice;
    answers.typed = '5';
    await setPeerPolicy(courier, new PeerNode(peer));
  }
  answers.choose = choose;
  answers.typed = undefined;
  await renamePeer(courier, new PeerNode(peer));
  await forgetPeer(courier, new PeerNode(peer));
  await open(courier, undefined);
  await checkConnection(courier, undefined);
  for (const target of [text, '', new PeerNode(peer)]) {
    await checkConnection(courier, target);
    tell('page', pages.provideTextDocumentContent());
  }
  await copyDoctorReport(courier);
  await copyDoctorLine(courier);
  answers.typed = 'an address';
  await addByAddress(courier);
}

async function showEverything(text: string): Promise<void> {
  forgetAll();
  disk.isFolder = (path) => !path.startsWith('/home/') || path.includes('/b ');
  const window = hostileWindow(text);
  drawViews(window, window.courier, text);
  drawStatusBar(text);
  await askEverything(window, text);
}

/** Which surfaces were given a text, in order, and how many lines each had. */
function shape(): string[] {
  return told
    .filter(({ surface }) => surface !== 'log')
    .map(({ surface, text }) => `${surface} ${text.split('\n').length}`);
}

await showEverything(MARK);
const harmlessShape = shape();

for (const text of HOSTILE_TEXTS) {
  test(`case 170, 173: only text on every surface: ${printable(text, 50)}`, async () => {
    await showEverything(text);
    const wrong = told.flatMap(({ surface, text: shown }) => {
      const why = wrongWith(surface, shown);
      return why === undefined ? [] : [`${surface}: ${why}: ${shown}`];
    });
    assert.deepEqual([...new Set(wrong)], []);
    // No text has made lines, rows or questions of its own.
    assert.deepEqual(shape(), harmlessShape);
    // It was there, on every surface on which a peer's text may be.
    for (const surface of ['tree', 'lines', 'pick', 'title', 'notice', 'page', 'log']) {
      assert.ok(
        told.some((each) => each.surface === surface && each.text.includes(MARK)),
        surface,
      );
    }
    // No text of a peer is a command, or what a command runs.
    for (const { command, args } of executed) {
      assert.doesNotMatch(command, new RegExp(MARK, 'u'));
      if (command.startsWith('workbench.')) assert.doesNotMatch(JSON.stringify(args), new RegExp(MARK, 'u'));
    }
  });
}
