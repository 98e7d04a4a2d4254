import { EventEmitter, l10n, Uri, workspace } from 'vscode';
import type { Disposable, TextDocumentContentProvider } from 'vscode';
import type { Examination } from '../../doctor/report.ts';

const SCHEME = 'peer-courier-doctor';

/** One check, while the page is its own. */
export interface Check {
  /** Goes off when another check begins. */
  readonly superseded: AbortSignal;
  /** What stands on the page from now on; nothing happens once another check has begun. */
  write(text: string): void;
  finish(examination: Examination): void;
}

/** The page of the doctor: a document that nobody can write to, shown while it is filled in. One for a window. */
export class DoctorPages implements TextDocumentContentProvider, Disposable {
  // Immutable.
  readonly #changed = new EventEmitter<Uri>();
  readonly #registration: Disposable;
  readonly onDidChange = this.#changed.event;
  /** Its name is what the tab says, and makes it Markdown. */
  readonly uri = Uri.from({ scheme: SCHEME, path: '/Peer Courier.md' });

  // Mutable.
  #text: string | undefined;
  #latest: Examination | undefined;
  #current: AbortController | undefined;

  constructor() {
    this.#registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  /** What the check that stands on the page has found; absent while it runs. */
  get latest(): Examination | undefined {
    return this.#latest;
  }

  provideTextDocumentContent(): string {
    // A tab that is left from before the window was opened anew.
    return this.#text ?? l10n.t('Run “Peer Courier: Check Connection…” once more to see what it finds.');
  }

  begin(): Check {
    this.#current?.abort();
    const current = new AbortController();
    this.#current = current;
    this.#latest = undefined;
    return {
      superseded: current.signal,
      write: (text) => {
        if (current.signal.aborted) return;
        this.#text = text;
        this.#changed.fire(this.uri);
      },
      finish: (examination) => {
        if (!current.signal.aborted) this.#latest = examination;
      },
    };
  }

  dispose(): void {
    this.#current?.abort();
    this.#registration.dispose();
    this.#changed.dispose();
  }
}
