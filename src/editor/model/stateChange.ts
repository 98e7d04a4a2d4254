import type { EngineState, StateChange } from '../../rpc/model.ts';

export type Section = keyof EngineState;

/** What a window shows before it knows anything. */
export const EMPTY_STATE: EngineState = {
  device: { name: '', fingerprint: undefined, machine: '' },
  receiver: { state: 'off' },
  peers: [],
  nearby: [],
  transfers: [],
  received: [],
};

/** The state after `change`, and which sections it touched. */
export function applyChange(
  state: EngineState,
  change: StateChange,
): { readonly state: EngineState; readonly changed: ReadonlySet<Section> } {
  const next: EngineState = {
    device: change.device ?? state.device,
    receiver: change.receiver ?? state.receiver,
    peers: change.peers ?? state.peers,
    nearby: change.nearby ?? state.nearby,
    transfers: change.transfers ?? state.transfers,
    received: change.received ?? state.received,
  };
  const sections: Section[] = ['device', 'receiver', 'peers', 'nearby', 'transfers', 'received'];
  return { state: next, changed: new Set(sections.filter((section) => next[section] !== state[section])) };
}
