import { FileType, l10n, Uri, workspace } from 'vscode';
import { localFailure } from '../model/editorFailure.ts';
import { freeName } from '../model/selection.ts';
import { count } from '../words/numbers.ts';

export interface Staging {
  readonly signal: AbortSignal;
  readonly report: (message: string) => void;
}

/** The one way the editor offers to move a file's content: this process never sees it. */
const { fs } = workspace;

/**
 * Copies what is not on this machine into `outbox` and returns the paths to send: the copies, and as they
 * are the files that are here.
 */
export async function stageFiles(uris: readonly Uri[], outbox: string, staging: Staging): Promise<string[]> {
  const target = Uri.file(outbox);
  const taken = new Set<string>();
  const copier = new Copier(staging);
  const paths: string[] = [];
  for (const uri of uris) {
    if (uri.scheme === 'file') {
      paths.push(uri.fsPath);
      continue;
    }
    const name = freeName(nameOf(uri), taken);
    taken.add(name);
    const copy = Uri.joinPath(target, name);
    const { type } = await fs.stat(uri);
    await copier.copy(uri, copy, type);
    paths.push(copy.fsPath);
  }
  return paths;
}

/** Goes through folders itself: a copy of a whole folder could be neither followed nor cancelled. */
class Copier {
  readonly #staging: Staging;
  #copied = 0;

  constructor(staging: Staging) {
    this.#staging = staging;
  }

  async copy(from: Uri, to: Uri, type: FileType): Promise<void> {
    if (this.#staging.signal.aborted) throw localFailure('cancelled');
    switch (type) {
      case FileType.Directory:
        await fs.createDirectory(to);
        for (const [name, child] of await fs.readDirectory(from)) {
          await this.copy(Uri.joinPath(from, name), Uri.joinPath(to, name), child);
        }
        return;
      case FileType.File:
      case FileType.Unknown:
        await fs.copy(from, to);
        this.#copied += 1;
        this.#staging.report(l10n.t('files copied: {0}', count(this.#copied)));
        return;
      default:
        // A link may lead out of the folder, or in a circle.
        return;
    }
  }
}

function nameOf({ path }: Uri): string {
  const name =
    path
      .replace(/(?<!\/)\/+$/u, '')
      .split('/')
      .pop() ?? '';
  return name === '' ? 'files' : name;
}
