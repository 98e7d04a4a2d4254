import { QuickInputButtons, window } from 'vscode';
import type { QuickPickItem } from 'vscode';

/** Says that the user went back a step. */
export const BACK = Symbol('back');

export interface PickOptions {
  readonly title: string;
  readonly placeholder?: string;
  readonly hasBack?: boolean;
}

/** One choice; `undefined` if the user left. Texts of peers in the items must be made fit by the caller. */
export function pick<Item extends QuickPickItem>(
  items: readonly Item[],
  { title, placeholder, hasBack = false }: PickOptions,
): Promise<Item | typeof BACK | undefined> {
  const input = window.createQuickPick<Item>();
  input.title = title;
  input.placeholder = placeholder;
  input.items = items;
  input.ignoreFocusOut = true;
  input.matchOnDescription = true;
  if (hasBack) input.buttons = [QuickInputButtons.Back];
  return new Promise((resolve) => {
    const finish = (answer: Item | typeof BACK | undefined): void => {
      resolve(answer);
      input.dispose();
    };
    input.onDidTriggerButton(() => finish(BACK));
    input.onDidAccept(() => {
      const [item] = input.selectedItems;
      if (item !== undefined) finish(item);
    });
    input.onDidHide(() => finish(undefined));
    input.show();
  });
}
