import {
  EventEmitter,
  l10n,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  window,
} from 'vscode';
import type { Disposable, TreeDataProvider, TreeDragAndDropController, TreeView, Uri } from 'vscode';
import type { NearbyPeer, PeerSummary } from '../../rpc/model.ts';
import { fullFingerprint, shortFingerprint } from '../model/fingerprintText.ts';
import { reachedAt, strangersAmong } from '../model/nearbyPeers.ts';
import { NodeList } from '../model/nodeList.ts';
import type { StateStore } from '../state.ts';
import { plainText } from '../text.ts';
import { policyWords } from '../words/policyWords.ts';
import { draggedUris, DROP_TYPES } from './draggedUris.ts';
import { deviceItem, deviceLineItem } from './deviceItem.ts';
import { nearbyItem } from './nearbyItem.ts';
import { DeviceLineNode, DeviceNode, NearbyNode, PeerNode } from './nodes.ts';

type Node = DeviceNode | DeviceLineNode | PeerNode | NearbyNode;

export interface PeersViewEvents {
  onVisible(): void;
  /** The view has come into sight, or gone out of it. */
  onShown(isShown: boolean): void;
  onDrop(uris: readonly Uri[], peer: PeerSummary): void;
}

/** *Peers*: this device, the devices it knows, and others that answer; files can be dropped on one it knows. */
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
  readonly #strangers = new NodeList(
    ({ nearby }: { readonly id: string; readonly nearby: NearbyPeer }) => new NearbyNode(nearby),
    (node, { nearby }) => {
      node.nearby = nearby;
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
    this.#view.onDidChangeVisibility(({ visible }) => this.#show(visible));
    if (this.#view.visible) this.#show(true);
    this.#listener = state.onDidChange((sections) => {
      if (SHOWN.some((section) => sections.has(section))) this.#update();
    });
  }

  getTreeItem(node: Node): TreeItem {
    if (node.kind === 'device') return deviceItem(this.#state.current);
    if (node.kind === 'deviceLine') return deviceLineItem(node);
    if (node.kind === 'nearby') return nearbyItem(node.nearby);
    return peerItem(node.peer, reachedAt(this.#state.current.nearby, node.peer));
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) {
      return [...(this.#showsDevice() ? [this.#device] : []), ...this.#list.nodes, ...this.#strangers.nodes];
    }
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
    const { device, receiver, peers, nearby } = this.#state.current;
    const hasOthers = peers.length > 0 || nearby.length > 0;
    return device.fingerprint !== undefined && (receiver.state !== 'off' || hasOthers);
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

  #show(isShown: boolean): void {
    this.#events.onShown(isShown);
    if (isShown) this.#events.onVisible();
  }

  #update(): void {
    const { device, peers, nearby } = this.#state.current;
    this.#list.replace(peers.map((peer) => ({ id: peer.fingerprint, peer })));
    this.#strangers.replace(
      strangersAmong(nearby, peers).map((each) => ({ id: each.fingerprint, nearby: each })),
    );
    // Which machine is the peer: in a remote window it is not the one in front of the user.
    this.#view.description = device.machine === device.name ? '' : plainText(device.machine);
    this.#changed.fire(undefined);
  }
}

/** What of the state is seen here. */
const SHOWN = ['peers', 'nearby', 'device', 'receiver'] as const;

function peerItem(peer: PeerSummary, reached: NearbyPeer | undefined): TreeItem {
  const item = new TreeItem(plainText(peer.name), TreeItemCollapsibleState.None);
  const [address = ''] = peer.addresses;
  const short = shortFingerprint(peer.fingerprint);
  const policy = policyWords(peer.policy) ?? '';
  item.id = `peer/${peer.fingerprint}`;
  const here = reached === undefined ? undefined : plainText(l10n.t('here now, {0}', reached.address));
  item.description = plainText(
    [policy, here, short, here === undefined ? address : ''].filter(Boolean).join(' · '),
  );
  item.tooltip = [peer.name, policy, ...folderOf(peer), ...peer.addresses]
    .map(plainText)
    .filter((line) => line !== '')
    .concat(fullFingerprint(peer.fingerprint, 8))
    .join('\n');
  item.iconPath = new ThemeIcon(
    iconFor(peer),
    reached === undefined ? undefined : new ThemeColor('charts.green'),
  );
  item.contextValue = peer.policy.kind === 'block' ? 'peer:blocked' : 'peer';
  const spoken = [l10n.t('Peer {0}, fingerprint {1}', plainText(peer.name), short), policy, here];
  item.accessibilityInformation = {
    label: plainText(spoken.filter(Boolean).join(', ')),
    role: 'treeitem',
  };
  return item;
}

function iconFor({ policy }: PeerSummary): string {
  if (policy.kind === 'block') return 'circle-slash';
  return policy.kind === 'accept' ? 'inbox' : 'device-desktop';
}

function folderOf({ policy }: PeerSummary): string[] {
  return policy.kind === 'accept' ? [l10n.t('Goes to {0}.', policy.folder)] : [];
}
