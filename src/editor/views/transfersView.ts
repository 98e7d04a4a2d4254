import { EventEmitter, l10n, window } from 'vscode';
import type { Disposable, TreeDataProvider, TreeItem, TreeView } from 'vscode';
import { NodeList } from '../model/nodeList.ts';
import type { StateStore } from '../state.ts';
import { Throttle } from '../throttle.ts';
import { sentenceFor } from '../words/failureSentences.ts';
import { count } from '../words/numbers.ts';
import { reasonFor } from '../words/entryReason.ts';
import { TransferLineNode, TransferNode } from './nodes.ts';
import { transferItem, transferLineItem } from './transferItem.ts';

type Node = TransferNode | TransferLineNode;

const REFRESH_PAUSE_MS = 250;

/** *Transfers*: what moves, what waits for an answer, and how the last ones ended. */
export class TransfersView implements TreeDataProvider<Node>, Disposable {
  readonly #state: StateStore;
  readonly #changed = new EventEmitter<Node | undefined>();
  readonly #list = new NodeList(
    (transfer: TransferNode['transfer']) => new TransferNode(transfer),
    (node, transfer) => {
      node.transfer = transfer;
    },
  );
  readonly #refresh = new Throttle(REFRESH_PAUSE_MS, () => this.#update());
  readonly #view: TreeView<Node>;
  readonly #listener: Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(state: StateStore, onVisible: () => void) {
    this.#state = state;
    this.#view = window.createTreeView('peerCourier.transfers', { treeDataProvider: this });
    this.#view.onDidChangeVisibility(({ visible }) => visible && onVisible());
    if (this.#view.visible) onVisible();
    this.#listener = state.onDidChange((sections) => {
      if (sections.has('transfers')) this.#refresh.request();
    });
  }

  getTreeItem(node: Node): TreeItem {
    return node.kind === 'transfer'
      ? transferItem(node.transfer, linesOf(node).length > 0)
      : transferLineItem(node);
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return this.#list.nodes;
    return node.kind === 'transfer' ? linesOf(node) : [];
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#refresh.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #update(): void {
    const { transfers } = this.#state.current;
    const { isShapeChanged, changed } = this.#list.replace(transfers);
    if (isShapeChanged) this.#changed.fire(undefined);
    else for (const node of changed) this.#changed.fire(node);
    const offers = transfers.filter(({ phase }) => phase === 'asking').length;
    this.#view.badge =
      offers === 0 ? undefined : { value: offers, tooltip: l10n.t('Offers to answer: {0}', count(offers)) };
  }
}

function linesOf({ transfer }: TransferNode): TransferLineNode[] {
  const { id, phase, failure, direction, failedEntries, failedCount } = transfer;
  const lines: { readonly text: string; readonly note: string }[] = [];
  // Of a decision the row says all there is.
  const isDecision = phase === 'declined' || phase === 'cancelled';
  if (failure !== undefined && !isDecision) lines.push({ text: sentenceFor(failure, direction), note: '' });
  for (const { path, reason } of failedEntries) lines.push({ text: path, note: reasonFor(reason) });
  const more = failedCount - failedEntries.length;
  if (more > 0) lines.push({ text: l10n.t('More that did not arrive: {0}', count(more)), note: '' });
  return lines.map(({ text, note }, index) => new TransferLineNode(id, index, text, note));
}
