/** The part of `vscode` that `src/editor` uses, as {@link tell} needs it; see `sinks.ts`. */
import { answers, disk, executed, tell } from './sinks.ts';

/** As in VS Code: one pass, so that what is put in is not looked at again. */
export const l10n = {
  t: (template: string, ...values: readonly (string | number)[]): string =>
    template.replace(/\{([^}]+)\}/gu, (mark, name: string) => String(values[Number(name)] ?? mark)),
};

export const env = {
  language: 'en',
  remoteName: 'ssh-remote',
  clipboard: { readText: () => Promise.resolve(''), writeText: () => Promise.resolve() },
};

export class EventEmitter<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly event = (listener: (event: Event) => void): Disposable => {
    this.#listeners.add(listener);
    return new Disposable(() => this.#listeners.delete(listener));
  };
  fire(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

export class Disposable {
  readonly dispose: () => void;
  constructor(dispose: () => void) {
    this.dispose = dispose;
  }
  static from(...all: readonly Disposable[]): Disposable {
    return new Disposable(() => all.forEach((each) => each.dispose()));
  }
}

export class TreeItem {
  readonly label: string;
  constructor(label: string) {
    this.label = label;
  }
}

export class ThemeIcon {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

export class ThemeColor extends ThemeIcon {}
export const [TabInputText, TabInputCustom, TabInputNotebook] = [ThemeIcon, ThemeIcon, ThemeIcon];

export const TreeItemCollapsibleState = { None: 0, Collapsed: 1 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
export const ProgressLocation = { Window: 10, Notification: 15 };
export const QuickPickItemKind = { Separator: -1 };
export const QuickInputButtons = { Back: {} };
export const ViewColumn = { Active: -1 };
export const FileType = { Unknown: 0, File: 1, Directory: 2 };

export class Uri {
  readonly scheme = 'file';
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  get fsPath(): string {
    return this.path;
  }
  static file(path: string): Uri {
    return new Uri(path);
  }
  static from({ path }: { readonly path: string }): Uri {
    return new Uri(path);
  }
  static joinPath(uri: Uri, ...names: readonly string[]): Uri {
    return new Uri([uri.path, ...names].join('/'));
  }
}

type Item = { readonly label: string; readonly description?: string; readonly detail?: string };

class QuickPick {
  items: readonly Item[] = [];
  selectedItems: readonly Item[] = [];
  title: unknown;
  placeholder: unknown;
  #accept = (): void => undefined;
  #hide = (): void => undefined;

  show(): void {
    tell('title', this.title);
    tell('title', this.placeholder);
    for (const { label, description, detail } of this.items) {
      for (const text of [label, description, detail]) tell('pick', text);
    }
    this.selectedItems = this.items.filter(({ label }) => answers.choose(label)).slice(0, 1);
    if (this.selectedItems.length > 0) this.#accept();
    else this.#hide();
  }
  onDidAccept(accept: () => void): void {
    this.#accept = accept;
  }
  onDidHide(hide: () => void): void {
    this.#hide = hide;
  }
  onDidTriggerButton(): void {
    // Nobody goes back.
  }
  dispose(): void {
    // Nothing is drawn.
  }
}

type Options = { readonly modal?: boolean; readonly detail?: string };

function showMessage(message: string, ...more: readonly (Options | string)[]): Promise<string | undefined> {
  tell('notice', message);
  const buttons = more.filter((each) => typeof each === 'string');
  for (const each of more) if (typeof each !== 'string') tell('lines', each.detail);
  for (const button of buttons) tell('notice', button);
  return Promise.resolve(buttons.find((button) => answers.choose(button)));
}

type Words = { readonly title?: string; readonly openLabel?: string; readonly prompt?: string };

function tellWords({ title, openLabel, prompt }: Words): void {
  for (const text of [title, openLabel, prompt]) tell('title', text);
}

class StatusBarItem {
  text = '';
  tooltip: unknown;
  accessibilityInformation: { readonly label: string } | undefined;
  show(): void {
    tell('statusBar', this.text);
    tell('lines', this.tooltip);
    tell('title', this.accessibilityInformation?.label);
  }
  hide(): void {
    // It shows nothing.
  }
  dispose(): void {
    // Nothing is drawn.
  }
}

export const window = {
  showInformationMessage: showMessage,
  showWarningMessage: showMessage,
  showErrorMessage: showMessage,
  showOpenDialog: (words: Words) => {
    tellWords(words);
    return Promise.resolve(undefined);
  },
  showInputBox: (words: Words) => {
    tellWords(words);
    return Promise.resolve(answers.typed);
  },
  showTextDocument: () => Promise.resolve(),
  createQuickPick: () => new QuickPick(),
  createStatusBarItem: () => new StatusBarItem(),
  createTreeView: () => {
    let description = '';
    return {
      visible: false,
      badge: undefined,
      get description() {
        return description;
      },
      set description(text: string) {
        description = text;
        tell('tree', text);
      },
      onDidChangeVisibility: () => new Disposable(() => undefined),
      dispose: () => undefined,
    };
  },
  withProgress: <Result>(
    { title }: { readonly title: string },
    task: (
      progress: { report(step: { readonly message?: string }): void },
      token: unknown,
    ) => Promise<Result>,
  ) => {
    tell('notice', title);
    const progress = { report: ({ message }: { readonly message?: string }) => tell('notice', message) };
    return task(progress, { onCancellationRequested: () => undefined });
  },
  tabGroups: { activeTabGroup: { activeTab: undefined } },
  activeTextEditor: undefined,
};

export const commands = {
  executeCommand: (command: string, ...args: readonly unknown[]) => {
    executed.push({ command, args });
    return Promise.resolve();
  },
};

/** Whatever is asked for is there; {@link disk} says what it is. */
export const workspace = {
  registerTextDocumentContentProvider: () => new Disposable(() => undefined),
  fs: {
    stat: ({ path }: Uri) =>
      Promise.resolve({ type: disk.isFolder(path) ? FileType.Directory : FileType.File }),
  },
  workspaceFolders: undefined,
  textDocuments: [],
  getWorkspaceFolder: () => undefined,
  asRelativePath: ({ path }: Uri) => path,
  findFiles: () => Promise.resolve([]),
};
