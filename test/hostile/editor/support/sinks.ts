/**
 * A listener at the surfaces of the editor. The modules of `src/editor` get `vscode` from `./vscode.ts`, which
 * draws nothing and writes down each text that it is given, with the surface that it was given to. It stands in
 * for the editor in one respect only: what reaches it. How the editor draws it is `test/e2e/untrusted.test.ts`.
 */
import { registerHooks } from 'node:module';

export type Surface =
  /** Rows of a tree: no markup at all. */
  | 'tree'
  /** Tooltips and the details of modal dialogs: no markup, several lines. */
  | 'lines'
  /** Quick picks: icons. */
  | 'pick'
  /** Titles of quick picks, of dialogs and of editors; screen readers. */
  | 'title'
  /** The status bar's own text: icons. */
  | 'statusBar'
  /** Notifications, dialogs, progress: links. */
  | 'notice'
  /** A page of Markdown: everything that does not stand between backquotes. */
  | 'page'
  /** The log. */
  | 'log';

export interface Told {
  readonly surface: Surface;
  readonly text: string;
}

/** What was told since {@link forgetAll}. */
export const told: Told[] = [];
/** Commands that were executed since then, with their arguments. */
export const executed: { readonly command: string; readonly args: readonly unknown[] }[] = [];
/** What the user answers: the first button or row that `choose` returns true for, and what they type. */
export const answers: { choose: (label: string) => boolean; typed: string | undefined } = {
  choose: () => false,
  typed: undefined,
};

/** What is on the disk. */
export const disk: { isFolder: (path: string) => boolean } = { isFolder: () => false };

export function tell(surface: Surface, text: unknown): void {
  if (text === undefined) return;
  if (typeof text !== 'string') throw new TypeError(`${surface} was given no plain text`);
  told.push({ surface, text });
}

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'vscode' ? new URL('vscode.ts', import.meta.url).href : specifier, context),
});

export function forgetAll(): void {
  told.length = 0;
  executed.length = 0;
  answers.choose = () => false;
  answers.typed = undefined;
  disk.isFolder = () => false;
}
