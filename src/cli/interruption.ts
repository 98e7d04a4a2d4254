import { INTERRUPTED_STATUS } from './failures.ts';

/** Exit status of a program that was told to end (128 + SIGTERM). */
const TERMINATED_STATUS = 143;

/**
 * A signal that aborts on Ctrl-C or SIGTERM, so that what runs can end cleanly. The second time the
 * program ends at once: nothing depends on a clean end.
 */
export function interruption(): { readonly signal: AbortSignal; readonly status: () => number } {
  const controller = new AbortController();
  let status = INTERRUPTED_STATUS;
  const stop = (stopStatus: number): void => {
    if (controller.signal.aborted) process.exit(stopStatus);
    status = stopStatus;
    controller.abort();
  };
  process.on('SIGINT', () => stop(INTERRUPTED_STATUS));
  process.on('SIGTERM', () => stop(TERMINATED_STATUS));
  return { signal: controller.signal, status: () => status };
}
