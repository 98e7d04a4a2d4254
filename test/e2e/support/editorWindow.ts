/**
 * One window of VS Code in a browser page, in the words of the person before it. Everything waits by itself
 * until the window is so far, or fails after `PATIENCE_MS`. What VS Code's page is made of is known in this
 * file only.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { PATIENCE_MS, until } from './until.ts';

/** How long a menu or a list is watched before it is opened anew, because what it offers was not registered yet. */
const GLANCE_MS = 5000;

const ARTIFACTS = resolve(import.meta.dirname, '..', '..', '..', 'test-artifacts', 'e2e');

/** The little of the page's DOM that is asked for directly; this project has no DOM types. */
type DrawnRow = { querySelectorAll(selector: string): Iterable<{ readonly textContent: string }> };

export class EditorWindow {
  readonly name: string;
  readonly page: Page;

  constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
  }

  /** Opens an address and waits until the workbench is drawn and its extension host is connected. */
  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await this.#ready();
  }

  /** What *Developer: Reload Window* does. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.#ready();
  }

  /**
   * Gives this window the focus that `others` lose. A browser that nobody sees lets every page believe that it
   * has it.
   */
  async takeFocusFrom(...others: readonly EditorWindow[]): Promise<void> {
    for (const { page } of [...others, this]) {
      // The editor takes a loss for one only after it has seen a gain.
      for (const [hasFocus, event] of [
        [true, 'focus'],
        [false, 'blur'],
      ]) {
        await page.evaluate(`new Promise((told) => {
          document.hasFocus = () => ${hasFocus};
          window.dispatchEvent(new Event('${event}'));
          setTimeout(told);
        })`);
      }
    }
    await this.page.evaluate("document.hasFocus = () => true; window.dispatchEvent(new Event('focus'))");
  }

  async #ready(): Promise<void> {
    await this.page
      .locator('.monaco-workbench .explorer-folders-view, .monaco-workbench .pane')
      .first()
      .waitFor();
    await this.page.locator('.statusbar-item.remote-kind, #status\\.host').first().waitFor();
  }

  /** A file or folder in the explorer; names are whole and exact. */
  explorerRow(name: string): Locator {
    return this.page.locator('.explorer-folders-view').getByRole('treeitem', { name, exact: true });
  }

  /** Selects several rows: the first by a click, the others with Ctrl. */
  async selectInExplorer(names: readonly string[]): Promise<void> {
    for (const [index, name] of names.entries()) {
      await this.explorerRow(name).click(index === 0 ? {} : { modifiers: ['ControlOrMeta'] });
    }
  }

  /** Right-clicks a row of the explorer and chooses an item. */
  chooseInExplorer(row: string, item: string | RegExp): Promise<void> {
    return this.chooseInContextMenu(this.explorerRow(row), item);
  }

  /** Right-clicks anything and chooses an item; one that is not there yet is given time to appear. */
  async chooseInContextMenu(target: Locator, item: string | RegExp): Promise<void> {
    const menu = await this.#untilOffered(`"${item}" in a context menu`, async () => {
      const opened = await this.openContextMenu(target);
      await this.menuItem(item).hover({ timeout: GLANCE_MS });
      const chosen = this.page.getByRole('menuitem', { name: item, exact: typeof item === 'string' });
      await opened.locator('.action-item.focused', { has: chosen }).waitFor({ timeout: GLANCE_MS });
      return opened;
    });
    // By the keyboard: in its first tenth of a second a menu takes no click.
    await this.page.keyboard.press('Enter');
    await menu.waitFor({ state: 'hidden' });
  }

  /** Right-clicks a row and returns the menu. */
  openExplorerContextMenu(row: string): Promise<Locator> {
    return this.openContextMenu(this.explorerRow(row));
  }

  /** Right-clicks anything and returns the menu. */
  async openContextMenu(target: Locator): Promise<Locator> {
    await target.click({ button: 'right' });
    const menu = this.page.locator('.monaco-menu').last();
    await menu.waitFor();
    return menu;
  }

  menuItem(name: string | RegExp): Locator {
    return this.page.locator('.monaco-menu').getByRole('menuitem', { name, exact: typeof name === 'string' });
  }

  /** Runs a command by its whole title, "Peer Courier: Start Receiver", from the palette. */
  async runCommand(title: string): Promise<void> {
    await this.#untilOffered(`the command "${title}"`, async () => {
      await this.page.keyboard.press('F1');
      await this.quickInput.locator('input.input').fill(`>${title}`, { timeout: GLANCE_MS });
      const chosen = this.quickPickRow(title).and(this.page.locator('.focused'));
      await chosen.waitFor({ timeout: GLANCE_MS });
    });
    // By the keyboard: the list is drawn anew when further results come, and a click in between is lost.
    await this.page.keyboard.press('Enter');
  }

  /** Whether the palette offers a command now. */
  async offersCommand(title: string): Promise<boolean> {
    await this.page.keyboard.press('F1');
    await this.quickInput.locator('input.input').fill(`>${title}`);
    // Something is always listed: a match, or "No matching commands".
    await this.quickInput.locator('.monaco-list-row').first().waitFor();
    const isOffered = (await this.quickPickRow(title).count()) > 0;
    await this.page.keyboard.press('Escape');
    return isOffered;
  }

  /** The quick pick, input box or palette that is open. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  /** A row whose label is exactly this. */
  quickPickRow(label: string): Locator {
    return this.quickInput
      .locator('.monaco-list-row')
      .filter({
        has: this.page.locator('.quick-input-list-label .label-name').getByText(label, { exact: true }),
      })
      .first();
  }

  /** All labels that the open quick pick shows. */
  async quickPickLabels(): Promise<readonly string[]> {
    await this.quickInput.locator('.monaco-list-row').first().waitFor();
    return this.quickInput
      .locator('.monaco-list-row .quick-input-list-row:first-child .label-name')
      .allInnerTexts();
  }

  /** Chooses a row of the open quick pick by its label, or by a part of all that it says. */
  async pickQuickPick(label: string | RegExp): Promise<void> {
    if (typeof label === 'string') await this.quickPickRow(label).click();
    else await this.quickInput.locator('.monaco-list-row').filter({ hasText: label }).first().click();
  }

  /** Fills the input box that asks for this, and confirms. */
  async typeInput(prompt: string, text: string): Promise<void> {
    await this.#inputBox(prompt).fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Pastes what the clipboard holds into the input box that asks for this, as a person does, and confirms. */
  async pasteInput(prompt: string): Promise<void> {
    const [input, text] = [this.#inputBox(prompt), await this.readClipboard()];
    await input.focus();
    await this.page.keyboard.press('ControlOrMeta+V');
    await until('the pasted text', async () => (await input.inputValue()) === text);
    await this.page.keyboard.press('Enter');
  }

  /** By its prompt: what was open before may still be on the screen. */
  #inputBox(prompt: string): Locator {
    return this.quickInput.filter({ hasText: prompt }).locator('input.input');
  }

  /**
   * Chooses a folder in VS Code's own file dialog, which is open. A folder *in* it must be named that is in no
   * other. The dialog lists folders while one types: text that comes before the list is there is written over,
   * and a press in between chooses the folder of before, or nothing.
   */
  async chooseFolder(path: string, { inside, button }: { readonly inside: string; readonly button: string }) {
    const dialog = this.quickInput.filter({ has: this.page.getByRole('button', { name: button }) });
    // Where one can go up, the first list is there.
    await dialog.locator('.monaco-list-row').filter({ hasText: '..' }).waitFor();
    await dialog.locator('input.input').fill(`${path}/`);
    await this.quickPickRow(inside).waitFor();
    await dialog.getByRole('button', { name: button }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** A notification that is on the screen, by what it says. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text }).first();
  }

  /** Waits for a notification, presses one of its buttons, and waits until it is gone. */
  async pressInNotification(text: string | RegExp, button: string): Promise<void> {
    // Buttons beyond the first ones and the cancel button of progress appear under the pointer.
    const toast = await this.holdNotification(text);
    await press(toast.getByRole('button', { name: button, exact: true }));
    await toast.waitFor({ state: 'hidden' });
  }

  /** Closes a notification without an answer. */
  async closeNotification(text: string | RegExp): Promise<void> {
    const toast = await this.holdNotification(text);
    await press(toast.getByRole('button', { name: /^Clear Notification/ }));
    await toast.waitFor({ state: 'hidden' });
  }

  /** Waits for a notification and puts the pointer on it: there it stays, others leave after ten seconds. */
  async holdNotification(text: string | RegExp): Promise<Locator> {
    const toast = this.notification(text);
    await toast.hover();
    return toast;
  }

  /** What all notifications on the screen say. */
  notificationTexts(): Promise<readonly string[]> {
    return this.page.locator('.notification-toast .notification-list-item-message').allInnerTexts();
  }

  /** A modal dialog, by what it says. */
  dialog(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  async pressInDialog(text: string | RegExp, button: string): Promise<void> {
    const dialog = this.dialog(text);
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** Shows a view container by its name in the activity bar; it may not be there before its extension is known. */
  async openContainer(name: string): Promise<void> {
    const tab = this.containerTab(name);
    await tab.waitFor();
    if ((await tab.getAttribute('aria-expanded')) !== 'true') await tab.click();
    await this.page.locator('.sidebar').getByRole('heading', { name, exact: true }).first().waitFor();
  }

  containerTab(name: string): Locator {
    return this.page.locator('.activitybar').getByRole('tab', { name: new RegExp(`^${escape(name)}`) });
  }

  /** The number on a container's icon, "" for none. */
  async badge(name: string): Promise<string> {
    const [text = ''] = await this.containerTab(name).locator('.badge-content').allInnerTexts();
    return text;
  }

  /** One view: its header and its body. */
  view(title: string): Locator {
    return this.page
      .locator('.sidebar .pane')
      .filter({ has: this.page.locator('.pane-header h3').getByText(title, { exact: true }) });
  }

  /** The rows that a view shows now, label and description together; use `treeRow` to wait for one. */
  async treeRows(viewTitle: string): Promise<readonly string[]> {
    // Asked for at once: a view that is drawn anew in between would give halves of two states.
    const parts = await this.view(viewTitle)
      .locator('.monaco-list-row')
      .evaluateAll((rows: readonly DrawnRow[]) =>
        rows.map((row) =>
          [...row.querySelectorAll('.label-name, .label-description')].map((part) => part.textContent),
        ),
      );
    return parts.map((row) => oneLine(row.join(' ')));
  }

  /** A row of a view, by a part of what it says. */
  treeRow(viewTitle: string, text: string | RegExp): Locator {
    return this.view(viewTitle).locator('.monaco-list-row').filter({ hasText: text }).first();
  }

  /** Presses one of the icons that appear on a row under the pointer. */
  async pressInlineAction(viewTitle: string, row: string | RegExp, action: string): Promise<void> {
    const target = this.treeRow(viewTitle, row);
    await target.hover();
    await press(target.getByRole('button', { name: action }));
  }

  /** An item of the status bar, by a part of what it says. */
  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item').filter({ hasText: text }).first();
  }

  /** What the status bar says, item by item; icons have no text. */
  async statusBarTexts(): Promise<readonly string[]> {
    const texts = await this.page.locator('.statusbar-item:visible').allInnerTexts();
    return texts.map(oneLine).filter((text) => text !== '');
  }

  /** What the page would paste; the clipboard is the browser's, the same in all its windows. */
  async readClipboard(): Promise<string> {
    const text: unknown = await this.page.evaluate('navigator.clipboard.readText()');
    assert.ok(typeof text === 'string');
    return text;
  }

  /** Keeps a picture among the test artefacts, as `<name>-<window>.png`, and returns its path. */
  async screenshot(name: string): Promise<string> {
    await mkdir(ARTIFACTS, { recursive: true });
    const path = join(ARTIFACTS, `${name.replaceAll(/[^\w-]+/g, '-')}-${this.name}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  /**
   * Menus and lists are made when they are opened; what an extension adds to them later is missing from one
   * that is open already. So one without it is closed and opened again; nothing has been chosen by then.
   */
  async #untilOffered<Offered>(what: string, open: () => Promise<Offered>): Promise<Offered> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await open();
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`${this.name} did not find ${what}.`, { cause: error });
        await this.page.keyboard.press('Escape');
      }
    }
  }
}

/**
 * Presses what could be clicked, in one moment: rows and notifications are drawn anew while their numbers
 * change, and a click that begins on the old icon and ends on the new one is none.
 */
async function press(button: Locator): Promise<void> {
  await button.click({ trial: true });
  await button.dispatchEvent('click');
}

/** VS Code draws spaces of every kind, and marks of its own between the parts of a label. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function escape(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
