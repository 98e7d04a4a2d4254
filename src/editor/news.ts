import { commands, l10n, window } from 'vscode';
import type { EngineNews } from './engine/engineClient.ts';
import { showFailure } from './words/showFailure.ts';

/** Tells the user what happened to the engine. */
export async function tellNews(news: EngineNews): Promise<void> {
  switch (news.kind) {
    case 'restarted': {
      const showLog = l10n.t('Show Log');
      const answer = await window.showInformationMessage(
        l10n.t('The Peer Courier engine stopped and was started again; transfers go on where they were.'),
        showLog,
      );
      if (answer === showLog) await commands.executeCommand('peerCourier.showLog');
      return;
    }
    case 'lost':
      await showFailure(news.error);
      return;
    case 'identity-changed':
      await window.showWarningMessage(
        l10n.t(
          'The identity of this device was lost and made anew. Peers do not know it any more: pair with them again.',
        ),
      );
  }
}
