import { deferred } from '../base/deferred.ts';
import type { Deferred } from '../base/deferred.ts';
import { engineNotifications } from '../rpc/contract.ts';
import { Gone } from './gone.ts';
import type { WindowConnection } from './windowConnection.ts';

/** Codes that one window was asked to put before its user. */
export class CodeQuestions {
  readonly #connection: Pick<WindowConnection, 'tell'>;
  readonly #open = new Map<string, Deferred<boolean>>();

  constructor(connection: Pick<WindowConnection, 'tell'>) {
    this.#connection = connection;
  }

  /** Whether the other device shows the same; when it is too late, it does not. */
  async ask(id: string, code: string, { signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    const question = deferred<boolean>();
    const stop = (): void => question.resolve(false);
    this.#open.set(id, question);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    else void this.#connection.tell(engineNotifications.compareCode, { id, code });
    try {
      return await question.promise;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#open.delete(id);
    }
  }

  answer(id: string, isSame: boolean): void {
    const question = this.#open.get(id);
    if (question === undefined) throw new Gone(id);
    question.resolve(isSame);
  }
}
