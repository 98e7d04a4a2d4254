/**
 * What git would ignore, below a folder that somebody picked to send. Followed: `.gitignore` in every folder
 * from the top of the repository down, the inner one before the outer, and `.git/info/exclude` last
 * (gitignore(5)). The matching of a single line is that of the package `ignore`.
 *
 * What a person who picks a folder expects decides the rest:
 *
 * - **What was picked is sent**, though it be ignored: who right-clicks `dist` means `dist`. The rules around
 *   it said no to all of it, so they say nothing about its parts; `.gitignore` files inside it still count.
 * - **`.git` is sent, and whole.** It is not for patterns to match, as in git: a stray `*.log` or `HEAD` would
 *   take parts out of the repository's own data and leave a broken one. And a project that is sent with its
 *   history is what it looks like in the folder; commits may be nowhere else.
 * - **A repository inside another** follows its own rules alone, as git does there, unless it is ignored itself.
 * - **Without a repository** the `.gitignore` files from the picked folder down are followed: an unpacked
 *   archive is still the project that they were written for.
 *
 * Different from git: its index is not read, so a tracked file that a rule matches is left out, as `git
 * check-ignore --no-index` has it; nor are the user's own global rules; and of a `.git` that is a file (a
 * worktree, a submodule) only the place counts, because the path in it may lead to any machine.
 */
import { dirname, join, relative, sep } from 'node:path';
import ignore from 'ignore';
import type { FileSystem } from './fileSystem.ts';
import { systemFiles } from './systemFiles.ts';
import { readNow } from './wholeFile.ts';

/**
 * A longer `.gitignore` is not followed, like one that cannot be read or is a link: then too much is sent,
 * which the summary before sending shows, and no transfer fails over a file of rules.
 */
const MOST_RULES_BYTES = 256 * 1024;
/** A line with more `**` is not followed: each multiplies the time that a match may take by the depth. */
const MOST_GLOBSTARS = 3;
/** `ignore` remembers each path that it was asked for; it is made to forget them after so many. */
const MOST_REMEMBERED = 1024;
/** What git takes for `core.ignoreCase` on a new repository. */
const ignoreCase = process.platform === 'win32' || process.platform === 'darwin';

const GIT_FOLDER = '.git';

/** The rules that apply to what lies in one folder. They are rules for folders inside it, too: see `enter`. */
export interface IgnoreRules {
  isIgnored(name: string, kind: 'file' | 'folder'): boolean;
  /** The rules in a folder inside this one, which is not ignored; `files` are read to find them. */
  enter(name: string, location: string, files: FileSystem): IgnoreRules;
}

/**
 * The rules in a folder that was picked to be sent; `folder` is absolute and leads through no link. What lies in it is
 * read from `files`, those below the folder that it lies in; what lies around it, by its name.
 */
export function ignoreRulesIn(folder: string, files: FileSystem): IgnoreRules {
  const top = isRepository(folder, files) ? folder : repositoryAround(dirname(folder));
  if (top === undefined || top === folder) return startIn(folder, files);
  let rules = startIn(top, systemFiles);
  let location = top;
  for (const name of relative(top, folder).split(sep)) {
    if (rules.isIgnored(name, 'folder')) return startIn(folder, files);
    location = join(location, name);
    rules = rules.enter(name, location, location === folder ? files : systemFiles);
  }
  return rules;
}

/** The nearest folder that holds a `.git`: this one, or one around it. */
function repositoryAround(folder: string): string | undefined {
  if (isRepository(folder, systemFiles)) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : repositoryAround(parent);
}

function isRepository(folder: string, files: FileSystem): boolean {
  try {
    return files.lstat(join(folder, GIT_FOLDER)) !== undefined;
  } catch {
    return false;
  }
}

/** Rules that begin in this folder, whatever is around it. */
function startIn(folder: string, files: FileSystem): IgnoreRules {
  const places = [join(folder, '.gitignore'), join(folder, GIT_FOLDER, 'info', 'exclude')];
  const levels = places.flatMap((place) => {
    const rules = readRules(place, files);
    return rules === undefined ? [] : [{ rules, start: 0 }];
  });
  return new FolderRules(levels, '');
}

/** One file of rules. */
interface Level {
  readonly rules: RuleFile;
  /** Where, in a path from the top, the folder that these rules stand in ends. */
  readonly start: number;
}

class FolderRules implements IgnoreRules {
  /** The one that decides first in front. */
  readonly #levels: readonly Level[];
  /** From the folder where the rules begin: empty, or with a `/` at its end. */
  readonly #path: string;

  constructor(levels: readonly Level[], path: string) {
    this.#levels = levels;
    this.#path = path;
  }

  isIgnored(name: string, kind: 'file' | 'folder'): boolean {
    if (isGitFolder(name)) return false;
    const path = `${this.#path}${name}${kind === 'folder' ? '/' : ''}`;
    for (const { rules, start } of this.#levels) {
      const verdict = rules.judge(path.slice(start));
      if (verdict !== undefined) return verdict === 'ignored';
    }
    return false;
  }

  enter(name: string, location: string, files: FileSystem): IgnoreRules {
    if (isGitFolder(name)) return NO_RULES;
    if (isRepository(location, files)) return startIn(location, files);
    const path = `${this.#path}${name}/`;
    // An outer rule that an inner one overruled must not come back for everything inside.
    const levels = this.#levels.map((level) => {
      const below = path.slice(level.start);
      return level.rules.judge(below) === 'ignored' ? { ...level, rules: level.rules.without(below) } : level;
    });
    const own = readRules(join(location, '.gitignore'), files);
    return new FolderRules(
      own === undefined ? levels : [{ rules: own, start: path.length }, ...levels],
      path,
    );
  }
}

const NO_RULES: IgnoreRules = { isIgnored: () => false, enter: () => NO_RULES };

/** In any case: where git meets a folder called `.GIT`, it may be this one. */
function isGitFolder(name: string): boolean {
  return name.toLowerCase() === GIT_FOLDER;
}

/** The lines of one file, compiled. */
class RuleFile {
  #matcher: ignore.Ignore;
  #remembered = 0;

  constructor(matcher: ignore.Ignore) {
    this.#matcher = matcher;
  }

  /** What the last line that matches says; `path` is relative to the file's folder, a folder's ends in `/`. */
  judge(path: string): 'ignored' | 'kept' | undefined {
    this.#remembered += 1;
    if (this.#remembered > MOST_REMEMBERED) {
      // With the lines that are compiled already.
      this.#matcher = createMatcher().add(this.#matcher);
      this.#remembered = 1;
    }
    const { ignored, unignored } = this.#matcher.test(path);
    if (ignored) return 'ignored';
    return unignored ? 'kept' : undefined;
  }

  /** These rules, but that they keep this one folder. */
  without(folder: string): RuleFile {
    const pattern = `!/${folder.replace(SPECIAL, String.raw`\$&`)}`;
    return new RuleFile(createMatcher().add(this.#matcher).add({ pattern }));
  }
}

/** What does not stand for itself in a pattern. */
const SPECIAL = /[\\*?[]/g;

function createMatcher(): ignore.Ignore {
  return ignore({ ignoreCase });
}

function readRules(location: string, files: FileSystem): RuleFile | undefined {
  const text = readSmall(location, files);
  return text === undefined ? undefined : new RuleFile(createMatcher().add(withoutSlowLines(text)));
}

/**
 * `**` after `**` is made one, and lines with too many are dropped. The time of the regular expression that
 * such a line becomes grows exponentially with them, and whoever wrote a repository that was cloned could
 * stop us with that.
 */
function withoutSlowLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(REPEATED_GLOBSTAR, '$1**/'))
    .filter((line) => (line.match(GLOBSTAR)?.length ?? 0) <= MOST_GLOBSTARS)
    .join('\n');
}

const GLOBSTAR = /\*{2,}/g;
const REPEATED_GLOBSTAR = /(^|\/)(?:\*{2,}\/){2,}/g;

/** The text of a small file; never through a link, as git reads its rules since 2.32. */
function readSmall(location: string, files: FileSystem): string | undefined {
  try {
    // Most folders have none: this way to ask costs no exception.
    const stats = files.lstat(location);
    if (stats === undefined || !isSmallFile(stats)) return undefined;
    const opened = files.open(location, 'read');
    try {
      const now = opened.stat();
      return isSmallFile(now) ? readNow(opened, Buffer.allocUnsafe(now.size))?.toString('utf8') : undefined;
    } finally {
      opened.closeNow();
    }
  } catch {
    return undefined;
  }
}

function isSmallFile(stats: { isFile(): boolean; readonly size: number }): boolean {
  return stats.isFile() && stats.size <= MOST_RULES_BYTES;
}
