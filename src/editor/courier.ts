import type { DoctorPages } from './doctor/doctorPages.ts';
import type { EngineClient } from './engine/engineClient.ts';
import type { Log } from './log.ts';
import type { Settings } from './settings.ts';
import type { StateStore } from './state.ts';

/** What commands and prompts work with. Made by the entry file. */
export interface Courier {
  readonly client: EngineClient;
  readonly state: StateStore;
  readonly settings: Settings;
  readonly log: Log;
  /** Where the doctor writes. */
  readonly pages: DoctorPages;
  /** The id of this window, as the engine knows it. */
  readonly window: string;
  /** The extension runs on another machine than the one in front of the user. */
  readonly isRemoteHost: boolean;
}
