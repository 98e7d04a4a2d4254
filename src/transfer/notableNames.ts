import { collisionKey } from '../protocol/wirePath.ts';
import type { Entry } from '../protocol/manifest.ts';

/**
 * Names that are worth a look before what was received is opened: those that some program obeys by the name
 * alone, without being told to. That is settings which tools follow as soon as a folder is opened or entered,
 * and files that a double click runs. What acts only when somebody builds or runs a project (`package.json`,
 * a `Makefile`, scripts of a shell, `.npmrc`) is in every project: to point that out each time would teach
 * people to pass over it. A name proves nothing, and nothing is refused for it.
 */

/** Folders of settings, in lower case. */
const FOLDERS: ReadonlySet<string> = new Set([
  // Hooks, and settings such as `core.fsmonitor` that name a program (git guards against foreign ones: CVE-2022-24765).
  '.git',
  // As above; Mercurial trusts the settings of whoever owns the file, and that is now its receiver.
  '.hg',
  // Editors: tasks that run when the folder is opened, paths of tools, run configurations.
  '.idea',
  '.vs',
  '.vscode',
  // A container's start-up commands, run on the host, too.
  '.devcontainer',
  // Coding assistants: commands that are run as hooks or as servers (CVE-2025-54135).
  '.claude',
  '.cursor',
  // Who may log in, if it lands in a home folder (croc: CVE-2023-43619).
  '.ssh',
]);

/** Files, in lower case. */
const FILES: ReadonlySet<string> = new Set([
  // Leads git to another place that holds the above.
  '.git',
  '.devcontainer.json',
  '.mcp.json',
  // Read by shells that enter the folder (direnv), or by those that start, if it lands in a home folder.
  '.envrc',
  '.bash_login',
  '.bash_profile',
  '.bashrc',
  '.profile',
  '.zlogin',
  '.zprofile',
  '.zshenv',
  '.zshrc',
  '.gitconfig',
  // Windows follows them when it shows a folder or a disk.
  'autorun.inf',
  'desktop.ini',
]);

/**
 * What the names of files end in that run, install or lead elsewhere when they are opened: the part of
 * Chromium's table of dangerous downloads (`download_file_types.asciipb`) that is not in projects as a rule,
 * as `.js`, `.py` and `.sh` are.
 */
const FILE_ENDINGS: ReadonlySet<string> = new Set([
  // The editor: a workspace with settings and tasks, an extension.
  'code-workspace',
  'vsix',
  // Windows.
  'appref-ms',
  'bat',
  'chm',
  'cmd',
  'com',
  'cpl',
  'exe',
  'hta',
  'jse',
  'lnk',
  'msc',
  'msi',
  'msix',
  'msp',
  'pif',
  'ps1',
  'reg',
  'scf',
  'scr',
  'settingcontent-ms',
  'url',
  'vbe',
  'vbs',
  'wsf',
  'wsh',
  // macOS.
  'command',
  'fileloc',
  'inetloc',
  'mpkg',
  'pkg',
  'terminal',
  'tool',
  'webloc',
  // Linux.
  'appimage',
  'desktop',
  'flatpakref',
  // Any of them, with Java.
  'jar',
  'jnlp',
]);

/** What the names of folders end in that macOS shows as programs. */
const FOLDER_ENDINGS: ReadonlySet<string> = new Set(['app', 'workflow']);

/** Of one kind of notable name the first path is told, so that many of one kind cannot hide another. */
const TOLD_KINDS = 5;

/** Notable names among what was offered. */
export interface NotableNames {
  /** How many there are; a folder counts once, with all that is in it. */
  readonly count: number;
  /** The first path of each kind; the first few kinds. */
  readonly first: readonly string[];
}

/** Notes the notable names of a manifest while it comes by, in its order: depth first. */
export class NotableNotes {
  readonly #first = new Map<string, string>();
  #count = 0;
  /** The notable folder that was listed last, with a slash at its end. */
  #folder: string | undefined;

  get names(): NotableNames {
    return { count: this.#count, first: [...this.#first.values()] };
  }

  add({ kind, path }: Entry): void {
    if (this.#folder !== undefined && path.startsWith(this.#folder)) return;
    const why = notableKind(kind, path.slice(path.lastIndexOf('/') + 1));
    if (why === undefined) return;
    this.#count += 1;
    if (kind === 'folder') this.#folder = `${path}/`;
    if (this.#first.size < TOLD_KINDS && !this.#first.has(why)) this.#first.set(why, path);
  }
}

/** What is notable about a name: the name itself, or its ending; `undefined` if nothing is. */
function notableKind(kind: Entry['kind'], name: string): string | undefined {
  // However it is written: some systems fold case, forms and what has no width (git: CVE-2014-9390).
  const key = collisionKey(name);
  const [names, endings] = kind === 'folder' ? [FOLDERS, FOLDER_ENDINGS] : [FILES, FILE_ENDINGS];
  if (names.has(key)) return key;
  const dot = key.lastIndexOf('.');
  const ending = key.slice(dot + 1);
  return dot >= 0 && endings.has(ending) ? `.${ending}` : undefined;
}
