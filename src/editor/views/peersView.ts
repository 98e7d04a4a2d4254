import { EventEmitter, l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState, window } from 'vscode';
import type { Disposable, TreeDataProvider, TreeDragAndDropController, TreeView, Uri } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import { fullFingerprint, shortFingerprint } from '../model/fingerprintText.ts';
import { NodeList } from '../model/nodeList.ts';
import type { StateStore } from '../state.ts';
import { plainText } from '../text.ts';
import { draggedUris, DROP_TYPES } from './draggedUris.ts';
import { deviceItem, deviceLineItem } from './deviceItem.ts';
import { DeviceLineNode, DeviceNode, PeerNode } from './nodes.ts';

type Node = DeviceNode | DeviceLineNode | PeerNode;

export interface PeersViewEvents {
  onVisible(): void;
  onDrop(uris: readonly Uri[], peer: PeerSummary): void;
}

/** *Peers*: this device, and the devices it knows; files can be dropped on one. */
export class PeersView implements TreeDataProvider<Node>, TreeDragAndDropController<Node>, Disposable {
  readonly #state: StateStore;
  readonly #events: PeersViewEvents;
  readonly #changed = new EventEmitter<Node | undefined>();
  readonly #device = new DeviceNode();
  readonly #list = new NodeList(
    ({ peer }: { readonly id: string; readonly peer: PeerSummary }) => new PeerNode(peer),
    (node, { peer }) => {
      node.peer = peer;
    },
  );
  readonly #view: TreeView<Node>;
  readonly #listener: Disposable;
  readonly onDidChangeTreeData = this.#changed.event;
  readonly dragMimeTypes: readonly string[] = [];
  readonly dropMimeTypes = DROP_TYPES;

  constructor(state: StateStore, events: PeersViewEvents) {
    this.#state = state;
    this.#events = events;
    this.#view = window.createTreeView<Node>('peerCourier.peers', {
      treeDataProvider: this,
      dragAndDropController: this,
    });
    this.#view.onDidChangeVisibility(({ visible }) => visible && events.onVisible());
    if (this.#view.visible) events.onVisible();
    this.#listener = state.onDidChange((sections) => {
      if (sections.has('peers') || sections.has('device') || sections.has('receiver')) this.#update();
    });
  }

  getTreeItem(node: Node): TreeItem {
    if (node.kind === 'device') return deviceItem(this.#state.current);
    return node.kind === 'deviceLine' ? deviceLineItem(node) : peerItem(node.peer);
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return [...(this.#showsDevice() ? [this.#device] : []), ...this.#list.nodes];
    return node.kind === 'device' ? this.#deviceLines() : [];
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'deviceLine' ? this.#device : undefined;
  }

  async handleDrop(
    ...[target, transfer]: Parameters<Required<TreeDragAndDropController<Node>>['handleDrop']>
  ): Promise<void> {
    if (target?.kind !== 'peer') return;
    const uris = await draggedUris(transfer);
    if (uris.length > 0) this.#events.onDrop(uris, target.peer);
  }

  dispose(): void {
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  /** Without peers and with the receiver off, the view says what to do instead. */
  #showsDevice(): boolean {
    const { device, receiver, peers } = this.#state.current;
    return device.fingerprint !== undefined && (receiver.state !== 'off' || peers.length > 0);
  }

  #deviceLines(): DeviceLineNode[] {
    const { device, receiver } = this.#state.current;
    const lines = [new DeviceLineNode('fingerprint', fullFingerprint(device.fingerprint ?? ''))];
    if (receiver.state === 'listening') {
      for (const address of receiver.addresses) lines.push(new DeviceLineNode('address', address));
      lines.push(new DeviceLineNode('folder', receiver.folder));
    }
    return lines;
  }

  #update(): void {
    const { device, peers } = this.#state.current;
    this.#list.replace(peers.map((peer) => ({ id: peer.fingerprint, peer })));
    // Which machine is the peer: in a remote window it is not the one in front of the user.
    this.#view.description = device.machine === device.name ? '' : plainText(device.machine);
    this.#changed.fire(undefined);
  }
}

function peerItem(peer: PeerSummary): TreeItem {
  const item = new TreeItem(plainText(peer.name), TreeItemCollapsibleState.None);
  const [address = ''] = peer.addresses;
  const short = shortFingerprint(peer.fingerprint);
  item.id = `peer/${peer.fingerprint}`;
  item.description = plainText([short, address].filter((part) => part !== '').join(' · '));
  item.tooltip = [peer.name, ...peer.addresses]
    .map(plainText)
    .concat(fullFingerprint(peer.fingerprint, 8))
    .join('\n');
  item.iconPath = new ThemeIcon('device-desktop');
  item.contextValue = 'peer';
  item.accessibilityInformation = {
    label: l10n.t('Peer {0}, fingerprint {1}', plainText(peer.name), short),
    role: 'treeitem',
  };
  return item;
}
