import { printableLines } from '../base/printable.ts';
import { tuneRuntime } from '../node/tunedRuntime.ts';
import { parseCommand } from './arguments.ts';
import type { Command } from './arguments.ts';
import { UsageError } from './argumentValues.ts';
import { discard } from './discard.ts';
import { doctor } from './doctor.ts';
import { explainError, SUCCESS, USAGE_STATUS } from './failures.ts';
import { invite } from './invite.ts';
import { JsonOutput, TextOutput, wholeLine } from './output.ts';
import { nearby } from './nearby.ts';
import { pair } from './pair.ts';
import { peers } from './peers.ts';
import { receive } from './receive.ts';
import { resume } from './resume.ts';
import { send } from './send.ts';
import { StandardStreams } from './standardStreams.ts';
import { transfers } from './transfers.ts';
import { USAGE } from './usage.ts';
import { version } from './version.ts';

/** The terminal program. Only composes: parses the words, runs the command, ends with its status. */

async function run(command: Command): Promise<number> {
  switch (command.name) {
    case 'help':
      process.stdout.write(USAGE);
      return SUCCESS;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return SUCCESS;
    case 'receive':
      return receive(command, outputFor(command));
    case 'send':
      return send(command, outputFor(command));
    case 'resume':
      return resume(command, outputFor(command));
    case 'discard':
      return discard(command, outputFor(command));
    case 'transfers':
      return transfers(command, outputFor(command));
    case 'invite':
      return invite(command, outputFor(command));
    case 'pair':
      return pair(command, outputFor(command));
    case 'nearby':
      return nearby(command, outputFor(command));
    case 'peers':
      return peers(command, outputFor(command));
    case 'doctor':
      return doctor(command, outputFor(command));
  }
}

function outputFor({ isJson }: { readonly isJson: boolean }): JsonOutput | TextOutput {
  return isJson ? new JsonOutput() : new TextOutput();
}

/** Runs what the words say, and tells a failure. */
async function perform(words: readonly string[]): Promise<number> {
  try {
    return await run(parseCommand(words));
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(
        `${printableLines(error.message)}\nRun "peer-courier --help" for what there is.\n`,
      );
      return USAGE_STATUS;
    }
    const { status, sentence } = explainError(error, 'sender');
    process.stderr.write(`${wholeLine(sentence)}\n`);
    return status;
  }
}

tuneRuntime();
const streams = new StandardStreams();
await streams.end(await perform(process.argv.slice(2)));
