/** Which rows of a list must be drawn anew. */
export interface ListChange<Node> {
  /** Rows came, went or moved. */
  readonly isShapeChanged: boolean;
  /** Rows that stayed and show something else. */
  readonly changed: readonly Node[];
}

/**
 * Keeps one node for each id while the snapshots behind them are replaced, so that the editor keeps
 * selection and expansion, and redraws only the rows that changed.
 */
export class NodeList<Snapshot extends { readonly id: string }, Node> {
  readonly #make: (snapshot: Snapshot) => Node;
  readonly #update: (node: Node, snapshot: Snapshot) => void;
  #rows: readonly { readonly id: string; readonly node: Node; readonly text: string }[] = [];

  constructor(make: (snapshot: Snapshot) => Node, update: (node: Node, snapshot: Snapshot) => void) {
    this.#make = make;
    this.#update = update;
  }

  get nodes(): Node[] {
    return this.#rows.map(({ node }) => node);
  }

  replace(snapshots: readonly Snapshot[]): ListChange<Node> {
    const before = new Map(this.#rows.map((row) => [row.id, row]));
    const changed: Node[] = [];
    const rows = snapshots.map((snapshot) => {
      const text = JSON.stringify(snapshot);
      const row = before.get(snapshot.id);
      if (row === undefined) return { id: snapshot.id, node: this.#make(snapshot), text };
      if (row.text === text) return row;
      this.#update(row.node, snapshot);
      changed.push(row.node);
      return { id: snapshot.id, node: row.node, text };
    });
    const isShapeChanged =
      rows.length !== this.#rows.length || rows.some((row, index) => row.id !== this.#rows[index]?.id);
    this.#rows = rows;
    return { isShapeChanged, changed };
  }
}
