import { homedir } from 'node:os';
import { EventEmitter, workspace } from 'vscode';
import type { Disposable, Event, Uri } from 'vscode';
import type { EngineSettings, SendOptions } from '../rpc/model.ts';
import { parseSettings } from './model/engineSettings.ts';
import type { SettingProblem } from './model/engineSettings.ts';

export const SECTION = 'peerCourier';

/** What the user has set, checked. */
export class Settings implements Disposable {
  readonly #changed = new EventEmitter<void>();
  readonly #listener: Disposable;
  readonly onDidChange: Event<void> = this.#changed.event;

  constructor() {
    this.#listener = workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SECTION)) this.#changed.fire();
    });
  }

  engine(): { readonly settings: EngineSettings; readonly problems: readonly SettingProblem[] } {
    const section = workspace.getConfiguration(SECTION);
    return parseSettings(
      {
        receiveFolder: section.get('receiveFolder'),
        port: section.get('port'),
        host: section.get('host'),
        deviceName: section.get('deviceName'),
        accept: section.get('accept'),
        acceptLimit: section.get('acceptLimit'),
        compression: section.get('compression'),
        bandwidthLimit: section.get('bandwidthLimit'),
        discovery: section.get('discovery'),
      },
      homedir(),
    );
  }

  startsWithEditor(): boolean {
    return workspace.getConfiguration(SECTION).get('startWithEditor') === true;
  }

  /** What is left out of what lies at `resource`. */
  send(resource: Uri | undefined): SendOptions {
    const section = workspace.getConfiguration(SECTION, resource);
    return {
      useGitignore: section.get('useGitignore') !== false,
      leaveOutSecrets: section.get('leaveOutSecrets') !== false,
    };
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }
}
