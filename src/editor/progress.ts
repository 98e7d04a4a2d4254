import { ProgressLocation, window } from 'vscode';
import type { Progress } from 'vscode';
import { abortOn } from './cancellation.ts';

/** What is done sooner needs no notification. */
const QUIET_MS = 400;

export interface Task<Result> {
  (options: { readonly signal: AbortSignal; readonly report: (message: string) => void }): Promise<Result>;
}

/** Waits for something; if it takes a while, with a notification in which it can be cancelled. */
export async function withCancellableProgress<Result>(title: string, task: Task<Result>): Promise<Result> {
  const controller = new AbortController();
  let shown: Progress<{ message: string }> | undefined;
  const work = task({ signal: controller.signal, report: (message) => shown?.report({ message }) });
  const timer = setTimeout(() => {
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      (progress, token) => {
        abortOn(token, controller);
        shown = progress;
        return work.catch(() => undefined);
      },
    );
  }, QUIET_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
