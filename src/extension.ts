import { Uri, window } from 'vscode';
import type { ExtensionContext } from 'vscode';
import { registerCommands } from './editor/commands/registerCommands.ts';
import { keepContextKeys } from './editor/contextKeys.ts';
import type { Courier } from './editor/courier.ts';
import { DoctorPages } from './editor/doctor/doctorPages.ts';
import { EngineClient } from './editor/engine/engineClient.ts';
import { IdentityKeeper } from './editor/engine/identityKeeper.ts';
import { keepEngineInformed } from './editor/keepEngineInformed.ts';
import { Log } from './editor/log.ts';
import { TransferProgress } from './editor/send/transferProgress.ts';
import { Settings } from './editor/settings.ts';
import { startUp } from './editor/startUp.ts';
import { StateStore } from './editor/state.ts';
import { StatusBar } from './editor/statusBar.ts';
import { isRemoteHost, localFolders, versionOf } from './editor/thisWindow.ts';
import { PeersView } from './editor/views/peersView.ts';
import { ReceivedView } from './editor/views/receivedView.ts';
import { TransfersView } from './editor/views/transfersView.ts';
import type { whenNeeded as WhenNeededParts } from './editor/whenNeeded.ts';
import { windowIdOf } from './editor/windowId.ts';

type WhenNeeded = typeof WhenNeededParts;

/** Constructs what the extension is made of, connects it, registers it. */
export function activate(context: ExtensionContext): void {
  const { extension, globalStorageUri, extensionUri } = context;
  const log = new Log(window.createOutputChannel('Peer Courier', { log: true }));
  const logError = (error: unknown): void => log.error(String(error));
  const storage = Uri.joinPath(globalStorageUri, 'engine').fsPath;
  const state = new StateStore();
  const settings = new Settings();
  const windowId = windowIdOf(context.workspaceState, logError);
  const client = new EngineClient({
    state,
    log,
    identity: new IdentityKeeper(context.secrets, context.globalState, globalStorageUri.fsPath),
    program: Uri.joinPath(extensionUri, 'dist', 'engine.js').fsPath,
    storage,
    hello: () => ({
      version: versionOf(extension),
      window: windowId,
      settings: settings.engine().settings,
      workspaceFolders: localFolders(),
    }),
  });
  const isRemote = isRemoteHost(extension);
  const pages = new DoctorPages();
  const courier: Courier = { client, state, settings, log, pages, window: windowId, isRemoteHost: isRemote };
  const connect = (): void => void client.connect().catch(logError);
  // What is needed only when something happens is not loaded before.
  const later = (run: (loaded: WhenNeeded) => Promise<void>): void =>
    void import('./editor/whenNeeded.ts').then(({ whenNeeded }) => run(whenNeeded)).catch(logError);

  context.subscriptions.push(
    log,
    state,
    settings,
    client,
    pages,
    client.onNews((news) => later(({ tellNews }) => tellNews(news))),
    client.onPromptOffer((id) => later(({ promptOffer }) => promptOffer(courier, id))),
    window.registerUriHandler({ handleUri: (uri) => later(({ openLink }) => openLink(courier, uri)) }),
    keepContextKeys(state, isRemote),
    keepEngineInformed(courier),
    registerCommands(courier),
    new StatusBar(state),
    new TransferProgress(courier),
    new PeersView(state, {
      onVisible: connect,
      onShown: (isShown) => client.notifyPeersShown(isShown),
      onDrop: (uris, peer) => later(({ sendDropped }) => sendDropped(courier, uris, peer)),
    }),
    new TransfersView(state, connect),
    new ReceivedView(state, connect),
  );
  void startUp(courier, storage);
}
