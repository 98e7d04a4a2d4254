import { EventEmitter } from 'vscode';
import type { Disposable, Event } from 'vscode';
import type { EngineState, StateChange } from '../rpc/model.ts';
import { applyChange, EMPTY_STATE } from './model/stateChange.ts';
import type { Section } from './model/stateChange.ts';

/** Where this window stands with the engine. */
export type EngineLink = 'none' | 'starting' | 'ready' | 'failed';

/** The latest that the engine has said. Views are functions of it; only the engine's client writes it. */
export class StateStore implements Disposable {
  readonly #changed = new EventEmitter<ReadonlySet<Section>>();
  readonly #linkChanged = new EventEmitter<EngineLink>();
  #current: EngineState = EMPTY_STATE;
  #link: EngineLink = 'none';

  /** The sections that differ from before. */
  readonly onDidChange: Event<ReadonlySet<Section>> = this.#changed.event;
  readonly onDidChangeLink: Event<EngineLink> = this.#linkChanged.event;

  get current(): EngineState {
    return this.#current;
  }

  get link(): EngineLink {
    return this.#link;
  }

  setLink(link: EngineLink): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#linkChanged.fire(link);
  }

  apply(change: StateChange): void {
    const { state, changed } = applyChange(this.#current, change);
    this.#current = state;
    if (changed.size > 0) this.#changed.fire(changed);
  }

  dispose(): void {
    this.#changed.dispose();
    this.#linkChanged.dispose();
  }
}
