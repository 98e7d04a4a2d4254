import { commands, Disposable } from 'vscode';
import type { StateStore } from './state.ts';

/** Tells `when` clauses of package.json where things stand. */
export function keepContextKeys(state: StateStore, isRemoteHost: boolean): Disposable {
  const setReceiver = (): void => set('receiver', state.current.receiver.state);
  const setLink = (): void => set('engine', state.link);
  set('isRemoteHost', isRemoteHost);
  setReceiver();
  setLink();
  return Disposable.from(
    state.onDidChange((sections) => {
      if (sections.has('receiver')) setReceiver();
    }),
    state.onDidChangeLink(setLink),
  );
}

function set(key: string, value: unknown): void {
  void commands.executeCommand('setContext', `peerCourier.${key}`, value);
}
