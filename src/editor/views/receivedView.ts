import { EventEmitter, l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState, window } from 'vscode';
import type { Disposable, TreeDataProvider, TreeView } from 'vscode';
import type { ReceivedSummary } from '../../rpc/model.ts';
import { NodeList } from '../model/nodeList.ts';
import type { StateStore } from '../state.ts';
import { plainText } from '../text.ts';
import { bytes, count, moment } from '../words/numbers.ts';
import { ReceivedNameNode, ReceivedNode } from './nodes.ts';

type Node = ReceivedNode | ReceivedNameNode;

/** *Received*: the history, over restarts. */
export class ReceivedView implements TreeDataProvider<Node>, Disposable {
  readonly #state: StateStore;
  readonly #changed = new EventEmitter<Node | undefined>();
  readonly #list = new NodeList(
    (received: ReceivedSummary) => new ReceivedNode(received),
    (node, received) => {
      node.received = received;
    },
  );
  readonly #view: TreeView<Node>;
  readonly #listener: Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(state: StateStore, onVisible: () => void) {
    this.#state = state;
    this.#view = window.createTreeView<Node>('peerCourier.received', { treeDataProvider: this });
    this.#view.onDidChangeVisibility(({ visible }) => visible && onVisible());
    if (this.#view.visible) onVisible();
    this.#listener = state.onDidChange((sections) => {
      if (sections.has('received')) this.#update();
    });
  }

  getTreeItem(node: Node): TreeItem {
    return node.kind === 'received' ? receivedItem(node.received) : nameItem(node);
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return this.#list.nodes;
    if (node.kind === 'receivedName' || node.received.names.length < 2) return [];
    return node.received.names.map((name) => new ReceivedNameNode(node.received, name));
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #update(): void {
    const { isShapeChanged, changed } = this.#list.replace(this.#state.current.received);
    if (isShapeChanged) this.#changed.fire(undefined);
    else for (const node of changed) this.#changed.fire(node);
  }
}

function receivedItem(received: ReceivedSummary): TreeItem {
  const { id, label, peer, folder, names, files, folders, digest, receivedAtMs } = received;
  const hasSeveral = names.length > 1;
  const item = new TreeItem(
    plainText(label),
    hasSeveral ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
  );
  const size = bytes(received.bytes);
  item.id = `received/${id}`;
  item.description = plainText(l10n.t('from {0} · {1}', peer.name, size));
  item.tooltip = [
    label,
    l10n.t('From {0}', peer.name),
    l10n.t('Files: {0}, size: {1}', count(files), size),
    moment(receivedAtMs),
    folder,
    l10n.t('Digest {0}', digest),
  ]
    .map(plainText)
    .join('\n');
  item.iconPath = new ThemeIcon(hasSeveral ? 'files' : folders > 0 ? 'folder' : 'file');
  item.contextValue = hasSeveral ? 'received:several:' : 'received:one:';
  item.accessibilityInformation = {
    label: plainText(l10n.t('{0}, received from {1}, {2}', label, peer.name, moment(receivedAtMs))),
    role: 'treeitem',
  };
  if (!hasSeveral) item.command = openCommand(id);
  return item;
}

function nameItem({ received, name }: ReceivedNameNode): TreeItem {
  const item = new TreeItem(plainText(name), TreeItemCollapsibleState.None);
  item.id = `received/${received.id}/${name}`;
  item.iconPath = new ThemeIcon('file-symlink-file');
  item.contextValue = 'receivedName:';
  item.command = openCommand(received.id, name);
  return item;
}

function openCommand(id: string, name?: string): NonNullable<TreeItem['command']> {
  return {
    command: 'peerCourier.open',
    title: l10n.t('Open'),
    arguments: name === undefined ? [{ id }] : [{ id, name }],
  };
}
