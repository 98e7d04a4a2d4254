/**
 * Two people at two editors on one machine: two servers of VS Code with a data folder, a home folder and a
 * workspace each, and a browser with a window for each of them.
 */
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchChromium, openContext } from '../../../scripts/chromium.mjs';
import { type VscodeServer, startServer } from '../../../scripts/vscode.mjs';
import { EditorWindow } from './editorWindow.ts';
import { packedExtension } from './packedExtension.ts';
import { until } from './until.ts';

export type Person = {
  readonly server: VscodeServer;
  /** What the explorer shows. */
  readonly workspace: string;
  /** `~` of everything that the editor starts. */
  readonly home: string;
  readonly window: EditorWindow;
  /** A further window on the same server; its name is the person's with a number. */
  readonly openAnother: (folder?: string) => Promise<EditorWindow>;
  /** Sets all settings of machine scope anew, and waits until the windows know them. */
  readonly configure: (settings: Settings) => Promise<void>;
  /** Whose command line holds this text: `engine.js`, say. */
  readonly processes: (text: string) => readonly number[];
};

export type TwoWindows = {
  readonly a: Person;
  readonly b: Person;
  /**
   * A subtest in these windows. One that fails leaves pictures and logs, and windows in a state that nobody
   * knows: those after it are skipped.
   */
  readonly step: (name: string, work: () => Promise<void>) => Promise<void>;
  /** Keeps a picture of both windows; they are numbered. */
  readonly picture: (name: string) => Promise<void>;
};

type Settings = Readonly<Record<string, unknown>>;

/** A container is opened by its icon; otherwise that would close one that has opened by itself in the meantime. */
const CALM_SETTINGS: Settings = { 'workbench.activityBar.iconClickBehavior': 'focus' };

export type PersonOptions = {
  /** Fills the workspace before the window opens. */
  readonly prepare?: (folders: { readonly workspace: string; readonly home: string }) => Promise<void>;
  readonly settings?: Settings;
  /** Those of machine scope: these windows are remote ones, where they stand in a file of their own. */
  readonly machineSettings?: Settings;
};

export type TwoWindowsOptions = {
  readonly a?: PersonOptions;
  readonly b?: PersonOptions;
  /** A VSIX; default: this project's. */
  readonly extension?: string;
};

/** Opens both windows and ends everything with the test; after a failure it leaves pictures and logs. */
export async function openTwoWindows(t: TestContext, options: TwoWindowsOptions = {}): Promise<TwoWindows> {
  const scratch = await mkdtemp(join(tmpdir(), 'peer-courier-e2e-'));
  const extension = options.extension ?? (await packedExtension());
  const browser = await launchChromium();
  const people: Person[] = [];
  const servers: VscodeServer[] = [];
  t.after(async () => {
    // Not in the types of the Node that the editor's floor brings, which ours are.
    const { passed } = t as { readonly passed?: boolean };
    if (passed !== true) await keepEvidence(t.name, people);
    await browser.close();
    await Promise.all(servers.map((server) => server.stop()));
    await rm(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const open = async (name: string, personOptions: PersonOptions = {}): Promise<Person> => {
    const folder = join(scratch, name);
    const person = await openPerson(name, { folder, extension, browser, servers, ...personOptions });
    people.push(person);
    return person;
  };
  const [a, b] = await Promise.all([open('a', options.a), open('b', options.b)]);
  return { a, b, step: steps(t, people), picture: pictures(t.name, people) };
}

function steps(t: TestContext, people: readonly Person[]): TwoWindows['step'] {
  let failed: string | undefined;
  return (name, work) =>
    t.test(name, async (step) => {
      if (failed !== undefined) {
        step.skip(`after "${failed}" failed`);
        return;
      }
      try {
        await work();
      } catch (error) {
        failed = name;
        await keepEvidence(name, people);
        throw error;
      }
    });
}

function pictures(story: string, people: readonly Person[]): TwoWindows['picture'] {
  let count = 0;
  return async (name) => {
    count += 1;
    const numbered = `${story} ${String(count).padStart(2, '0')} ${name}`;
    await Promise.all(people.map(({ window }) => window.screenshot(numbered)));
  };
}

type Place = PersonOptions & {
  readonly folder: string;
  readonly extension: string;
  readonly browser: Browser;
  readonly servers: VscodeServer[];
};

async function openPerson(name: string, place: Place): Promise<Person> {
  const [workspace, home] = [join(place.folder, 'workspace'), join(place.folder, 'home')];
  await mkdir(workspace, { recursive: true });
  await mkdir(home);
  await place.prepare?.({ workspace, home });
  const dataFolder = join(place.folder, 'data');
  const settingsFolder = join(dataFolder, 'data', 'Machine');
  await mkdir(settingsFolder, { recursive: true });
  const writeMachineSettings = async (settings: Settings): Promise<void> => {
    const unfinished = join(settingsFolder, 'unfinished.json');
    await writeFile(unfinished, JSON.stringify(settings));
    // A window must not read half of it.
    await rename(unfinished, join(settingsFolder, 'settings.json'));
  };
  await writeMachineSettings(place.machineSettings ?? {});
  const server = await startServer({
    dataFolder,
    extension: place.extension,
    environment: { HOME: home, USERPROFILE: home },
    settings: { ...CALM_SETTINGS, ...place.settings },
  });
  place.servers.push(server);
  const context = await openContext(place.browser, server.origin);
  let changes = 0;
  const configure = async (settings: Settings): Promise<void> => {
    changes += 1;
    // The title is the last to change: an extension is told before, and before all that is asked of it later.
    const title = `settings ${changes}`;
    await writeMachineSettings({ ...settings, 'window.title': `\${rootName} · ${title}` });
    for (const page of context.pages()) {
      await until(`"${title}" in a title`, async () => (await page.title()).endsWith(title));
    }
  };
  let opened = 0;
  const openAnother = async (folder = workspace): Promise<EditorWindow> => {
    opened += 1;
    const window = new EditorWindow(opened === 1 ? name : `${name}${opened}`, await context.newPage());
    await window.open(server.pageAddress({ folder }));
    return window;
  };
  const processes = (text: string): readonly number[] =>
    server
      .processes()
      .filter(({ command }) => command.includes(text))
      .map(({ pid }) => pid);
  return { server, workspace, home, window: await openAnother(), openAnother, configure, processes };
}

async function keepEvidence(testName: string, people: readonly Person[]): Promise<void> {
  for (const { window, server } of people) {
    const picture = await window.screenshot(`failed-${testName}`).catch(() => undefined);
    if (picture === undefined) continue;
    const logs = picture.replace(/\.png$/, '-logs');
    await rm(logs, { recursive: true, force: true });
    await cp(join(server.dataFolder, 'data', 'logs'), logs, { recursive: true }).catch(() => undefined);
  }
}
