import { parseArgs } from 'node:util';
import { printable } from '../base/printable.ts';
import type { Command, PeersAction } from './arguments.ts';
import { common, oneOf, parse, required, UsageError } from './argumentValues.ts';

/** The words of `peer-courier peers`. */

export function parsePeers(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({
      args: [...words],
      options: { ...common, 'up-to': { type: 'string' }, folder: { type: 'string' } },
      allowPositionals: true,
    }),
  );
  if (values.help) return { name: 'help' };
  const { 'up-to': upTo, folder } = values;
  if (positionals[0] !== 'accept' && (upTo !== undefined || folder !== undefined)) {
    throw new UsageError('--up-to and --folder belong to "peers accept".');
  }
  const action = parsePeersAction(positionals, { upTo, folder });
  return { name: 'peers', action, state: values.state, isJson: values.json };
}

function parsePeersAction(
  [kind, peer, ...more]: readonly string[],
  { upTo, folder }: { readonly upTo: string | undefined; readonly folder: string | undefined },
): PeersAction {
  if (kind === undefined) return { kind: 'list' };
  const verb = oneOf(kind, ['rename', 'forget', 'accept', 'ask', 'block', 'default'], 'peers');
  const isWhole = more.length === (verb === 'rename' ? 1 : 0);
  if (peer === undefined || peer === '' || !isWhole) {
    throw new UsageError(
      `peers ${verb} takes ${verb === 'rename' ? 'NAME and NEW, two words' : 'one NAME'}.`,
    );
  }
  switch (verb) {
    case 'rename':
      return { kind: 'rename', peer, to: parseNewName(more[0]) };
    case 'forget':
      return { kind: 'forget', peer };
    case 'accept': {
      const into = required(folder, 'peers accept needs --folder DIR, the folder to receive into.');
      return { kind: 'policy', peer, policy: { kind: 'accept', upToBytes: parseSize(upTo), folder: into } };
    }
    case 'ask':
    case 'block':
    case 'default':
      return { kind: 'policy', peer, policy: { kind: verb } };
  }
}

function parseNewName(text = ''): string {
  const name = printable(text.trim(), 64);
  if (name === '') throw new UsageError('peers rename needs a new name that is not empty.');
  return name;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

function parseSize(text: string | undefined): number {
  const { amount = '', unit = '' } =
    /^(?<amount>\d{1,6}(?:\.\d{1,3})?) ?(?<unit>[kmgt]b)$/iu.exec(text ?? '')?.groups ?? {};
  const bytes = Math.round(Number(amount) * (SIZE_UNITS[unit.toLowerCase()] ?? 0));
  if (bytes < 1) {
    const what = text === undefined ? 'it is missing' : `not "${text}"`;
    throw new UsageError(`--up-to takes a size such as 500MB or 1.5GB: ${what}.`);
  }
  return bytes;
}
