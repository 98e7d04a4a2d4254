import type { RemoteKind } from '../doctor/facts.ts';
import type { Examination } from '../doctor/report.ts';

/** Asking the doctor: about this device, and about a peer if one is named. */
export interface ExamineParams {
  /** Made up by the window; what is found on the way is told under it. */
  readonly id: string;
  /** The fingerprint of a known peer. */
  readonly peer: string | undefined;
  /** Instead of a known peer: `HOST` or `HOST:PORT`, as somebody typed it. */
  readonly address: string | undefined;
  /** If the window's machine is not the one in front of its user. */
  readonly remote: RemoteKind | undefined;
}

/** What is known so far. */
export interface ExaminationProgress {
  readonly id: string;
  readonly examination: Examination;
}
