import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import * as v from 'valibot';
import { RequestType } from 'vscode-jsonrpc';
import { concatBytes, utf8 } from '../../../../src/base/bytes.ts';
import { rpcSchemas } from '../../../../src/engine/rpcSchemas.ts';
import { WindowConnection } from '../../../../src/engine/windowConnection.ts';
import { clientNotifications, requests } from '../../../../src/rpc/contract.ts';
import type { Failure } from '../../../../src/rpc/model.ts';
import { Dice } from '../dice.ts';
import { jsonOf, jsonSeed, mutateJson } from '../mutateJson.ts';
import type { JsonSeed } from '../mutateJson.ts';
import { mutateBytes } from '../mutateBytes.ts';
import { NASTY_NUMBERS } from '../nasty.ts';
import { someCount, someFingerprint, someHex, someText } from '../sound.ts';
import { checkSameAgain } from '../target.ts';
import type { FuzzTarget, Verdict } from '../target.ts';

type SchemaName = keyof typeof rpcSchemas;

const settings = (dice: Dice): unknown => ({
  receiveFolder: dice.pick(['', '/home/user/Downloads']),
  host: dice.pick(['', '0.0.0.0', 'host.example']),
  port: someCount(dice, 65_535),
  deviceName: someText(dice),
  accept: dice.pick(['ask', 'known']),
  acceptLimitBytes: someCount(dice),
  compression: dice.pick(['automatic', 'off']),
  limitBytesPerSecond: someCount(dice),
  discovery: dice.pick(['automatic', 'off']),
});
const options = { useGitignore: true, leaveOutSecrets: false };

/** What clients say, by the schema that it meets. */
const makers: Readonly<Record<SchemaName, (dice: Dice) => unknown>> = {
  hello: (dice) => ({
    token: someHex(dice, 32),
    rpcVersion: 1,
    version: '0.1.0',
    window: 'w1',
    settings: settings(dice),
    workspaceFolders: ['/home/user/project'],
  }),
  provideIdentity: (dice) =>
    dice.isLess(0.3) ? {} : { identity: { certificate: someText(dice), privateKey: someText(dice) } },
  settings,
  anything: (dice) => ({ x: someText(dice) }),
  invite: (dice) => ({ text: someText(dice) }),
  address: () => ({ address: 'host.example:47470' }),
  pairByCode: (dice) => ({ id: someText(dice), ...(dice.isLess(0.5) ? { address: someText(dice) } : {}) }),
  answerCode: (dice) => ({ id: someText(dice), isSame: dice.isLess(0.5) }),
  newPeer: (dice) => ({ address: '10.0.0.1:1', fingerprint: someFingerprint(dice), name: someText(dice) }),
  preview: () => ({ paths: ['/home/user/a', '/home/user/b'], options }),
  outbox: (dice) => ({ folder: `/storage/outbox/${someHex(dice, 16)}` }),
  send: (dice) => ({
    paths: ['/home/user/a'],
    peer: someFingerprint(dice),
    options,
    outbox: '/storage/outbox/a',
  }),
  acceptOffer: (dice) => ({
    id: someHex(dice, 16),
    folder: '/home/user/b',
    onConflict: dice.pick(['skip', 'keep-both', 'replace']),
  }),
  id: (dice) => ({ id: someHex(dice, 16) }),
  peersShown: (dice) => ({ isShown: dice.isLess(0.5) }),
  renamePeer: (dice) => ({ peer: someFingerprint(dice), name: someText(dice) }),
  setPeerPolicy: (dice) => ({
    peer: someFingerprint(dice),
    policy: dice.pick([
      { kind: 'default' },
      { kind: 'ask' },
      { kind: 'accept', upToBytes: 1 + someCount(dice, 1e12), folder: '/home/user/b' },
      { kind: 'block' },
    ]),
  }),
  peer: (dice) => ({ peer: someFingerprint(dice) }),
  workspaceChanged: () => ({ workspaceFolders: ['/home/user/project'] }),
  examine: (dice) => ({
    id: someText(dice),
    ...(dice.isLess(0.5) ? { peer: someFingerprint(dice) } : { address: someText(dice) }),
    ...(dice.isLess(0.5) ? { remote: dice.pick(['ssh', 'codespaces', 'other']) } : {}),
  }),
  share: () => ({ paths: ['/home/user/a'], options, outbox: '/storage/outbox/a' }),
};

const SEEDS_OF_EACH = 20;
const names = Object.keys(makers).filter((name): name is SchemaName => name in rpcSchemas);
const seeds: ReadonlyMap<string, readonly JsonSeed[]> = new Map(
  names.map((name) => [
    name,
    Array.from({ length: SEEDS_OF_EACH }, (_, at) => jsonSeed(makers[name](new Dice(0, at)))),
  ]),
);
/** What may be called on the socket, each with the schema that it meets here: any will do. */
const calls = Object.values(requests).map(({ method }, at) => ({
  method,
  schema: names[at % names.length] ?? 'anything',
}));
/** What JSON-RPC and its library mean by themselves, and what nobody has asked for. */
const OTHER_METHODS = [
  ...Object.values(clientNotifications).map(({ method }) => method),
  '$/cancelRequest',
  '$/progress',
  '$/setTrace',
  '$/x',
  '__proto__',
  'toString',
  'constructor',
  '',
];

/** What is not a schema's: bytes on the local socket, in the framing of JSON-RPC, before and after the client is known. */
const SOCKETS = ['socket', 'admitted socket'];

/** Requests of clients: the schemas that they meet, and the local socket that brings them. */
export function rpcTarget(): FuzzTarget {
  return {
    kinds: [...names, ...SOCKETS],
    generate(dice) {
      if (dice.isLess(0.05)) return { kind: dice.pick(SOCKETS), bytes: mutatedCalls(dice) };
      const kind = dice.pick(names);
      return { kind, bytes: mutatedParams(kind, dice) };
    },
    check({ kind, bytes }) {
      if (SOCKETS.includes(kind)) return checkSocket(bytes, kind !== 'socket');
      const name = names.find((each) => each === kind) ?? assert.fail(`no schema ${kind}`);
      return checkParams(name, bytes);
    },
  };
}

function mutatedParams(name: SchemaName, dice: Dice): Uint8Array {
  return mutateJson(dice.pick(seeds.get(name) ?? []), dice, dice.pick(seeds.get(dice.pick(names)) ?? []));
}

function checkParams(name: SchemaName, bytes: Uint8Array): Verdict {
  let json: unknown;
  try {
    json = jsonOf(bytes);
  } catch {
    // The socket's part, which closes it.
    return 'refused';
  }
  // Exactly what a client's request meets; its errors become the answer.
  const schema: v.GenericSchema<unknown, unknown> = rpcSchemas[name];
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) return 'refused';
  if (name !== 'anything') {
    checkSameAgain(parsed.output, v.parse(schema, JSON.parse(JSON.stringify(parsed.output))));
  }
  return 'taken';
}

/** Notifications, answers that nobody waits for, and ids that are none. */
const ODD_HEADS = ['', '"id":null,', '"id":"x",', '"result":1,"id":1,', '"error":{},"id":2,', '"id":{},'];

function mutatedCalls(dice: Dice): Uint8Array {
  const said = Array.from({ length: 1 + dice.below(3) }, () => {
    const call = dice.pick(calls);
    const method = dice.isLess(0.8) ? call.method : dice.pick(OTHER_METHODS);
    const schema = dice.isLess(0.8) ? call.schema : dice.pick(names);
    const params = dice.isLess(0.5) ? dice.pick(seeds.get(schema) ?? []).bytes : mutatedParams(schema, dice);
    const head = dice.isLess(0.7) ? `"id":${dice.below(5)},` : dice.pick(ODD_HEADS);
    const body = concatBytes([
      utf8(`{"jsonrpc":"2.0",${head}"method":${JSON.stringify(method)},"params":`),
      params,
      utf8('}'),
    ]);
    const length = dice.isLess(0.85) ? String(body.length) : dice.pick(NASTY_NUMBERS);
    return concatBytes([
      utf8(`Content-Length: ${length}\r\n\r\n`),
      dice.isLess(0.8) ? body : mutateBytes(body, dice, body),
    ]);
  });
  const stream = concatBytes(said);
  return dice.isLess(0.3) ? mutateBytes(stream, dice, stream) : stream;
}

/** The end of a connection on which nobody listens: what is written to it is gone. */
class DeafSocket extends Socket {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** Whatever it is told, a connection answers or closes; work is only asked for with what a schema took. */
async function checkSocket(bytes: Uint8Array, isAdmitted: boolean): Promise<Verdict> {
  const socket = new DeafSocket();
  let answers = 0;
  const connection = new WindowConnection(socket, {
    onClose: () => undefined,
    onSurprise: (error) => assert.ok(v.isValiError(error), String(error)),
  });
  for (const { method, schema } of calls) {
    const met: v.GenericSchema<unknown, unknown> = rpcSchemas[schema];
    connection.answer(new RequestType<unknown, number, Failure>(method), met, () => (answers += 1));
  }
  connection.listen();
  if (isAdmitted) connection.admit();
  socket.emit('data', Buffer.from(bytes));
  // The library parses in promises and answers in turns of the loop.
  for (let turns = 0; turns < 4; turns += 1) await new Promise(setImmediate);
  const isClosed = socket.destroyed;
  connection.close();
  return !isClosed && answers > 0 ? 'taken' : 'refused';
}
