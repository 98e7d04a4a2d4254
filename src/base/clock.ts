/** Port to time. Monotonic: it never jumps when somebody sets the wall clock. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. */
  now(): number;
  /** Calls `action` once after `delayMs`; the returned function cancels that. */
  schedule(delayMs: number, action: () => void): () => void;
}
