import { basename } from 'node:path';
import type { FileSystem } from './fileSystem.ts';
import { ignoreRulesIn } from './ignoreRules.ts';
import type { IgnoreRules } from './ignoreRules.ts';
import { isSecretName } from './secretNames.ts';

/** What somebody wants left out of what is sent. */
export interface OmissionOptions {
  /** What git would ignore; `ignoreRules.ts` says what that is. */
  readonly useGitignore: boolean;
  /** Files that are secrets by their names; `secretNames.ts` lists them. */
  readonly leaveOutSecrets: boolean;
}

export const OMIT_NOTHING: OmissionOptions = { useGitignore: false, leaveOutSecrets: false };

/**
 * What is left out on purpose in one folder. What was picked itself is never asked about: a file that
 * somebody picked by its name is sent, whatever it is.
 */
export class Omissions {
  readonly #rules: IgnoreRules | undefined;
  readonly #files: FileSystem;
  readonly #folderName: string;
  /** Inside `.git` everything stays: a branch may be called `fix.key`, and a repository is sent whole. */
  readonly #looksForSecrets: boolean;

  private constructor(
    rules: IgnoreRules | undefined,
    files: FileSystem,
    location: string,
    looksForSecrets: boolean,
  ) {
    this.#rules = rules;
    this.#files = files;
    this.#folderName = basename(location);
    this.#looksForSecrets = looksForSecrets && this.#folderName !== '.git';
  }

  /** In a folder that was picked; `files` are those below the folder that it lies in. */
  static inPicked(location: string, options: OmissionOptions, files: FileSystem): Omissions {
    const rules = options.useGitignore ? ignoreRulesIn(location, files) : undefined;
    return new Omissions(rules, files, location, options.leaveOutSecrets);
  }

  /** In a folder inside this one that is not left out. */
  enter(name: string, location: string): Omissions {
    const rules = this.#rules?.enter(name, location, this.#files);
    return new Omissions(rules, this.#files, location, this.#looksForSecrets);
  }

  /** Whether git would ignore something in this folder. To git, what is no folder is a file. */
  isIgnored(name: string, kind: 'file' | 'folder'): boolean {
    return this.#rules?.isIgnored(name, kind) === true;
  }

  /** Whether a file in this folder has the name of a secret. */
  isSecret(name: string): boolean {
    return this.#looksForSecrets && isSecretName(this.#folderName, name);
  }
}
