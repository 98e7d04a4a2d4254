import { commands, l10n, window } from 'vscode';
import { assertNever } from '../../base/assertNever.ts';
import { printable } from '../../base/printable.ts';
import { failureOf } from '../model/editorFailure.ts';
import type { EditorFailure } from '../model/editorFailure.ts';
import { checkTarget, remediesFor } from '../model/remedy.ts';
import type { Remedy } from '../model/remedy.ts';
import { noticeText } from '../text.ts';
import { sentenceFor } from './failureSentences.ts';
import type { FailureDirection } from './failureSentences.ts';

/** As many as the editor shows of a notification. */
const MOST_CHARACTERS = 1000;

/** Shows what was thrown, with the buttons that mend it if there are any. What the user cancelled is quiet. */
export async function showFailure(error: unknown, direction?: FailureDirection): Promise<void> {
  const failure = failureOf(error);
  const { code, detail, origin } = failure;
  if (code === 'cancelled' && origin === 'local') return;
  // The thing that it is about may be cut, but not the sentence: its end says what to do.
  const cut = { ...failure, detail: printable(detail) };
  const sentence = noticeText(sentenceFor(cut, direction), MOST_CHARACTERS);
  if (code === 'gone') {
    await window.showInformationMessage(sentence);
    return;
  }
  const buttons = new Map(remediesFor(code, origin).map((remedy) => [buttonFor(remedy), remedy]));
  const answer = await window.showErrorMessage(sentence, ...buttons.keys());
  const remedy = answer === undefined ? undefined : buttons.get(answer);
  if (remedy !== undefined) await applyRemedy(remedy, failure);
}

function buttonFor(remedy: Remedy): string {
  switch (remedy) {
    case 'showLog':
      return l10n.t('Show Log');
    case 'setFolder':
    case 'setPort':
    case 'setHost':
      return l10n.t('Open Settings');
    case 'useInvite':
      return l10n.t('Use Invite…');
    case 'setPolicy':
      return l10n.t('Peer Policy…');
    case 'reload':
      return l10n.t('Reload Window');
    case 'checkConnection':
      return l10n.t('Check Connection…');
    default:
      return assertNever(remedy);
  }
}

async function applyRemedy(remedy: Remedy, { code, detail }: EditorFailure): Promise<void> {
  switch (remedy) {
    case 'showLog':
      await commands.executeCommand('peerCourier.showLog');
      return;
    case 'setFolder':
      await openSetting('peerCourier.receiveFolder');
      return;
    case 'setPort':
      await openSetting('peerCourier.port');
      return;
    case 'setHost':
      await openSetting('peerCourier.host');
      return;
    case 'useInvite':
      await commands.executeCommand('peerCourier.useInvite');
      return;
    case 'setPolicy':
      await commands.executeCommand('peerCourier.setPeerPolicy');
      return;
    case 'reload':
      await commands.executeCommand('workbench.action.reloadWindow');
      return;
    case 'checkConnection':
      await commands.executeCommand('peerCourier.checkConnection', checkTarget(code, detail));
      return;
    default:
      assertNever(remedy);
  }
}

/** Machine-scope settings stand in the remote's file in a remote window; the editor finds that tab by the id. */
export async function openSetting(id: string): Promise<void> {
  await commands.executeCommand('workbench.action.openSettings', `@id:${id}`);
}
