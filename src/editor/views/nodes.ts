import type { NearbyPeer, PeerSummary, ReceivedSummary, TransferSummary } from '../../rpc/model.ts';

/**
 * What stands in the trees, and what commands get from them. The editor knows a row by the identity of its
 * node, so a node stays while its snapshot is replaced.
 */

export class DeviceNode {
  readonly kind = 'device';
}

/** A line about this device, such as an address; `text` is what copying it gives. */
export class DeviceLineNode {
  readonly kind = 'deviceLine';
  readonly line: 'fingerprint' | 'address' | 'folder';
  readonly text: string;

  constructor(line: DeviceLineNode['line'], text: string) {
    this.line = line;
    this.text = text;
  }
}

export class PeerNode {
  readonly kind = 'peer';
  peer: PeerSummary;

  constructor(peer: PeerSummary) {
    this.peer = peer;
  }
}

/** A device that is not known, and answers. */
export class NearbyNode {
  readonly kind = 'nearby';
  nearby: NearbyPeer;

  constructor(nearby: NearbyPeer) {
    this.nearby = nearby;
  }
}

export class TransferNode {
  readonly kind = 'transfer';
  transfer: TransferSummary;

  constructor(transfer: TransferSummary) {
    this.transfer = transfer;
  }
}

/** A line below a transfer: what failed, or an entry that did not arrive. */
export class TransferLineNode {
  readonly kind = 'transferLine';
  readonly transfer: string;
  /** Among the lines of its transfer. */
  readonly index: number;
  readonly text: string;
  readonly note: string;

  constructor(transfer: string, index: number, text: string, note: string) {
    this.transfer = transfer;
    this.index = index;
    this.text = text;
    this.note = note;
  }
}

export class ReceivedNode {
  readonly kind = 'received';
  received: ReceivedSummary;

  constructor(received: ReceivedSummary) {
    this.received = received;
  }
}

/** One of several top-level names of a received transfer. */
export class ReceivedNameNode {
  readonly kind = 'receivedName';
  readonly received: ReceivedSummary;
  readonly name: string;

  constructor(received: ReceivedSummary, name: string) {
    this.received = received;
    this.name = name;
  }
}
