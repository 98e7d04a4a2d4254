import { l10n, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { Disposable, StatusBarItem } from 'vscode';
import type { EngineState } from '../rpc/model.ts';
import { isActive, percentOf, spokenPercent, totalProgress } from './model/transferView.ts';
import type { StateStore } from './state.ts';
import { plainText } from './text.ts';
import { Throttle } from './throttle.ts';
import { sentenceFor } from './words/failureSentences.ts';
import { count, rate } from './words/numbers.ts';
import { spokenStatus } from './words/transferWords.ts';

const REFRESH_PAUSE_MS = 500;

interface Shown {
  readonly text: string;
  /** For screen readers. */
  readonly label: string;
  readonly tooltip: string;
  readonly isWarning?: boolean;
}

/** The one status-bar item: offers to answer, else what moves, else whether this device receives. */
export class StatusBar implements Disposable {
  readonly #item: StatusBarItem;
  readonly #refresh: Throttle;
  readonly #listener: Disposable;

  constructor(state: StateStore) {
    this.#item = window.createStatusBarItem('peerCourier.status', StatusBarAlignment.Right, 100);
    this.#item.name = 'Peer Courier';
    this.#item.command = 'peerCourier.showActions';
    this.#refresh = new Throttle(REFRESH_PAUSE_MS, () => this.#show(picture(state.current)));
    this.#listener = state.onDidChange(() => this.#refresh.request());
  }

  dispose(): void {
    this.#listener.dispose();
    this.#refresh.dispose();
    this.#item.dispose();
  }

  #show(shown: Shown | undefined): void {
    if (shown === undefined) {
      this.#item.hide();
      return;
    }
    this.#item.text = shown.text;
    this.#item.tooltip = shown.tooltip;
    this.#item.accessibilityInformation = { label: shown.label, role: 'button' };
    this.#item.backgroundColor =
      shown.isWarning === true ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.show();
  }
}

/** `undefined` when there is nothing to show. No text of a peer gets into `text`, where icons are drawn. */
function picture({ transfers, receiver, device }: EngineState): Shown | undefined {
  const offers = transfers.filter(({ phase }) => phase === 'asking');
  if (offers.length > 0) {
    const label = l10n.t('Peer Courier: offers to answer: {0}', count(offers.length));
    return { text: `$(inbox) ${offers.length}`, label, tooltip: label };
  }
  const active = transfers.filter(isActive);
  const [only] = active;
  if (only !== undefined) {
    const progress = totalProgress(active);
    const percent = percentOf(progress);
    const speed = progress.bytesPerSecond > 0 ? ` ${rate(progress.bytesPerSecond)}` : '';
    return {
      text: `$(sync~spin) ${percent}%${speed}`,
      label:
        active.length === 1
          ? plainText(spokenStatus(only))
          : l10n.t('Peer Courier: {0} transfers, {1} percent', count(active.length), spokenPercent(percent)),
      tooltip: active.map((transfer) => plainText(spokenStatus(transfer))).join('\n'),
    };
  }
  switch (receiver.state) {
    case 'off':
      return undefined;
    case 'starting':
      return {
        text: '$(cloud-download)',
        label: l10n.t('Peer Courier: the receiver is starting'),
        tooltip: l10n.t('Peer Courier: the receiver is starting'),
      };
    case 'listening': {
      const label = l10n.t('Peer Courier: ready to receive as {0}', plainText(device.name));
      return {
        text: '$(cloud-download)',
        label,
        tooltip: [label, ...receiver.addresses, receiver.folder].map(plainText).join('\n'),
      };
    }
    case 'failed': {
      const label = plainText(sentenceFor(receiver.failure, undefined));
      return { text: '$(warning)', label, tooltip: label, isWarning: true };
    }
  }
}
