/** A window of the editor around a state, without an engine: what it asks of one is written down. */
import type { Courier } from '../../../../src/editor/courier.ts';
import type { EngineState } from '../../../../src/rpc/model.ts';
import { tell } from './sinks.ts';

// After the listener stands in for the editor.
const { DoctorPages } = await import('../../../../src/editor/doctor/doctorPages.ts');
const { Log } = await import('../../../../src/editor/log.ts');
const { StateStore } = await import('../../../../src/editor/state.ts');

type Channel = ConstructorParameters<typeof Log>[0];

export function fakeWindow(answer: (name: string) => unknown) {
  const state = new StateStore();
  const write = (text: string): void => tell('log', text);
  const log = new Log({ debug: write, info: write, warn: write, error: write } as unknown as Channel);
  const calls: string[] = [];
  const client = {
    connect: () => Promise.resolve(false),
    onExamined: () => ({ dispose: () => undefined }),
    call: (name: string) => {
      calls.push(name);
      return Promise.resolve(answer(name));
    },
  };
  const settings = { engine: () => ({ settings: { accept: 'ask' } }) };
  const pages = new DoctorPages();
  const parts = { client, state, log, pages, settings, window: 'this', isRemoteHost: true };
  return { courier: parts as unknown as Courier, state, log, pages, calls };
}

/** One whose state is that already. */
export function windowIn(state: EngineState) {
  const made = fakeWindow(() => undefined);
  made.state.apply(state);
  return made;
}
