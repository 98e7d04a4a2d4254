import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plan, Setting, Step, Tool } from './tools.ts';
import { receive, send } from './tools.ts';

const PROJECT = resolve(import.meta.dirname, '..');

/** The names under which ours is measured. Budgets are held against the first. */
export const OURS = 'peer-courier';
export const OURS_AT_FIRST = 'peer-courier-first';

/** A copy of the built program, so that a build in the meantime changes nothing, and its two ends' state. */
export class OurProgram {
  readonly #cli: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#cli = join(folder, 'dist', 'cli.js');
    cpSync(join(PROJECT, 'dist'), join(folder, 'dist'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  }

  /** Between two that know each other, as every time but the first. {@link pairing} has to have been run before. */
  get tool(): Tool {
    return { ...SHARED, name: OURS, title: 'peer-courier', plan: (setting) => this.#known(setting, []) };
  }

  /** With an invite, between two that have no identity yet. */
  get toolAtFirst(): Tool {
    return {
      ...SHARED,
      name: OURS_AT_FIRST,
      title: 'peer-courier, its first use',
      updates: false,
      plan: (setting) => this.#first(setting, setting.work),
    };
  }

  /** The same as {@link tool}, over so many connections. */
  toolWithLanes(lanes: number): Tool {
    return { ...this.tool, plan: (setting) => this.#known(setting, ['--lanes', String(lanes)]) };
  }

  /** Whether this version can spread a transfer over several connections. */
  get hasLanes(): boolean {
    return execFileSync(process.execPath, [this.#cli, 'help'], { encoding: 'utf8' }).includes('--lanes');
  }

  /** Makes the two known to each other: to be run once, with anything to send. */
  pairing(setting: Setting): Plan {
    return this.#first(setting, this.#folder);
  }

  #first(setting: Setting, folder: string): Plan {
    const invite = join(setting.work, 'invite');
    return {
      servers: [this.#receiver(setting, folder, ['--invite-file', invite])],
      transfer: [this.#sender(setting, folder, ['--invite-file', invite])],
    };
  }

  #known(setting: Setting, words: readonly string[]): Plan {
    // Each transfer begins with the same state: what a hundred earlier ones have left is not measured.
    for (const side of ['sender', 'receiver'] as const) {
      cpSync(stateOf(side, this.#folder), stateOf(side, setting.work), { recursive: true });
    }
    return {
      servers: [this.#receiver(setting, setting.work, [])],
      transfer: [this.#sender(setting, setting.work, ['--to', `${setting.host}:${setting.port}`, ...words])],
    };
  }

  #receiver(setting: Setting, folder: string, words: readonly string[]): Step {
    const { destination, host, port, isAgain } = setting;
    const place = ['--folder', destination, '--host', host, '--port', String(port)];
    const state = ['--state', stateOf('receiver', folder)];
    const conflict = isAgain ? ['--on-conflict', 'replace'] : [];
    return receive(process.execPath, this.#cli, 'receive', ...place, ...state, ...conflict, ...words);
  }

  #sender({ source }: Setting, folder: string, words: readonly string[]): Step {
    const state = ['--state', stateOf('sender', folder), '--retry-for', '0'];
    return send(process.execPath, this.#cli, 'send', source, ...words, ...state);
  }
}

const SHARED = {
  needs: [],
  version: [process.execPath, join(PROJECT, 'dist', 'cli.js'), '--version'],
  sendsFiles: true,
  updates: true,
} as const;

function stateOf(side: 'sender' | 'receiver', folder: string): string {
  return join(folder, 'state', side);
}
