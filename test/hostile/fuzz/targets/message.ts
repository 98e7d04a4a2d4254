import { decodeMessage, encodeMessage } from '../../../../src/protocol/messages.ts';
import type { MessageName } from '../../../../src/protocol/messages.ts';
import { isRemoteError, sampleMessages } from '../../../support/samples.ts';
import { messageNames } from '../../../support/messageChecks.ts';
import { Dice } from '../dice.ts';
import { jsonSeed, mutateJson } from '../mutateJson.ts';
import type { JsonSeed } from '../mutateJson.ts';
import { someMessage } from '../sound.ts';
import { checkNumbers, checkSameAgain } from '../target.ts';
import type { FuzzTarget, Verdict } from '../target.ts';

const SEEDS_OF_EACH = 30;

/** Sound messages of each name: the sample with every key, and random ones. The same in each run. */
export const messageSeeds: ReadonlyMap<MessageName, readonly JsonSeed[]> = new Map(
  messageNames.map((name) => [
    name,
    [
      jsonSeed(sampleMessages[name]),
      ...Array.from({ length: SEEDS_OF_EACH }, (_, at) => jsonSeed(someMessage(name, new Dice(0, at)))),
    ],
  ]),
);

export function mutatedMessage(name: MessageName, dice: Dice): Uint8Array {
  return mutateJson(
    dice.pick(messageSeeds.get(name) ?? []),
    dice,
    dice.pick(messageSeeds.get(dice.pick(messageNames)) ?? []),
  );
}

/** Control messages: a refusal is a {@link RemoteProtocolError}; what is taken means the same when it is said again. */
export function messageTarget(): FuzzTarget {
  return {
    kinds: messageNames,
    generate(dice) {
      const kind = dice.pick(messageNames);
      return { kind, bytes: mutatedMessage(kind, dice) };
    },
    check({ kind, bytes }) {
      const name = messageNames.find((each) => each === kind);
      if (name === undefined) throw new RangeError(`no message ${kind}`);
      return checkMessage(name, bytes);
    },
  };
}

function checkMessage(name: MessageName, bytes: Uint8Array): Verdict {
  try {
    const message = decodeMessage(name, bytes);
    checkNumbers(message);
    checkSameAgain(message, decodeMessage(name, encodeMessage(name, message)));
    return 'taken';
  } catch (error) {
    if (isRemoteError('protocol-error')(error)) return 'refused';
    throw error;
  }
}
