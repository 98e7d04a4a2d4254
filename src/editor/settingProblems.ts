import { l10n, window } from 'vscode';
import { assertNever } from '../base/assertNever.ts';
import type { SettingProblem } from './model/engineSettings.ts';
import { openSetting } from './words/showFailure.ts';

/** Says once for each that a setting makes no sense and what counts instead. */
export class SettingProblems {
  #told: ReadonlySet<SettingProblem> = new Set();

  async tell(problems: readonly SettingProblem[]): Promise<void> {
    const news = problems.filter((problem) => !this.#told.has(problem));
    // What was mended and broken again is told again.
    this.#told = new Set(problems);
    for (const problem of news) {
      const openSettings = l10n.t('Open Settings');
      const answer = await window.showWarningMessage(sentenceFor(problem), openSettings);
      if (answer === openSettings) await openSetting(`peerCourier.${problem}`);
    }
  }
}

function sentenceFor(problem: SettingProblem): string {
  switch (problem) {
    case 'receiveFolder':
      return l10n.t('The folder to receive into must be an absolute path. Downloads/Peer Courier is used.');
    case 'port':
      return l10n.t('The port must be a whole number from 1 to 65535. {0} is used.', '47470');
    case 'host':
      return l10n.t('The host must be an address of this machine. All of them are used.');
    case 'acceptLimit':
      return l10n.t(
        'The limit for accepting without asking must be a number of megabytes. {0} is used.',
        '100',
      );
    case 'bandwidthLimit':
      return l10n.t('The bandwidth limit must be a number of megabits per second. None is used.');
    default:
      return assertNever(problem);
  }
}
