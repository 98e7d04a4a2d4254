import type { CancellationToken } from 'vscode';

/** The one place where the editor's way of cancelling becomes the platform's. */
export function abortOn(token: CancellationToken, controller: AbortController): void {
  if (token.isCancellationRequested) controller.abort();
  // The token's source ends with the progress that it belongs to; nothing is left to remove.
  else token.onCancellationRequested(() => controller.abort());
}
