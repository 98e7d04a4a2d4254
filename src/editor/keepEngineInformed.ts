import { Disposable, window, workspace } from 'vscode';
import type { Courier } from './courier.ts';
import { SettingProblems } from './settingProblems.ts';
import { localFolders } from './thisWindow.ts';

/** Tells the engine, while it is there, what changes in this window: settings, folders, focus. */
export function keepEngineInformed({ client, settings, state, log }: Courier): Disposable {
  const problems = new SettingProblems();
  const tellProblems = (): void => {
    problems.tell(settings.engine().problems).catch((error: unknown) => log.error(String(error)));
  };
  return Disposable.from(
    settings.onDidChange(() => {
      tellProblems();
      if (!client.isConnected) return;
      client
        .call('configure', settings.engine().settings)
        .catch((error: unknown) => log.error(`the settings do not reach the engine: ${String(error)}`));
    }),
    state.onDidChangeLink((link) => {
      if (link !== 'ready') return;
      tellProblems();
      if (window.state.focused) client.notifyFocused();
    }),
    workspace.onDidChangeWorkspaceFolders(() => client.notifyWorkspace(localFolders())),
    window.onDidChangeWindowState(({ focused }) => {
      if (focused) client.notifyFocused();
    }),
  );
}
