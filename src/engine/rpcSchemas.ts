import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { REMOTE_KINDS } from '../doctor/facts.ts';

/** What clients may say, checked at the door. */

const text = v.pipe(v.string(), v.maxLength(65_536));
const path = v.pipe(
  text,
  v.check((value) => isAbsolute(value) && !value.includes('\0'), 'not an absolute path'),
);
const paths = v.pipe(v.array(path), v.minLength(1), v.maxLength(100_000));
const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const workspaceFolders = v.pipe(v.array(path), v.maxLength(1000));
const sendOptions = v.object({ useGitignore: v.boolean(), leaveOutSecrets: v.boolean() });

const settings = v.object({
  receiveFolder: v.union([v.literal(''), path]),
  host: v.pipe(v.string(), v.maxLength(253)),
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  deviceName: v.pipe(v.string(), v.maxLength(256)),
  accept: v.picklist(['ask', 'known']),
  acceptLimitBytes: count,
  compression: v.picklist(['automatic', 'off']),
  limitBytesPerSecond: count,
  // A window of an earlier version does not say.
  discovery: v.optional(v.picklist(['automatic', 'off']), 'automatic'),
});

export const rpcSchemas = {
  hello: v.object({
    token: v.pipe(v.string(), v.maxLength(256)),
    rpcVersion: v.pipe(v.number(), v.safeInteger()),
    version: text,
    window: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
    settings,
    workspaceFolders,
  }),
  provideIdentity: v.object({
    identity: v.optional(v.object({ certificate: text, privateKey: text })),
  }),
  settings,
  anything: v.unknown(),
  invite: v.object({ text }),
  address: v.object({ address: text }),
  pairByCode: v.object({ id: text, address: v.optional(text) }),
  answerCode: v.object({ id: text, isSame: v.boolean() }),
  newPeer: v.object({ address: text, fingerprint, name: text }),
  preview: v.object({ paths, options: sendOptions }),
  outbox: v.object({ folder: path }),
  send: v.object({ paths, peer: fingerprint, options: sendOptions, outbox: v.optional(path) }),
  acceptOffer: v.object({
    id: text,
    folder: v.optional(path),
    onConflict: v.picklist(['skip', 'keep-both', 'replace']),
  }),
  id: v.object({ id: text }),
  renamePeer: v.object({ peer: fingerprint, name: text }),
  setPeerPolicy: v.object({
    peer: fingerprint,
    policy: v.variant('kind', [
      v.object({ kind: v.literal('default') }),
      v.object({ kind: v.literal('ask') }),
      v.object({
        kind: v.literal('accept'),
        upToBytes: v.pipe(count, v.minValue(1)),
        folder: v.pipe(path, v.maxLength(32_768)),
      }),
      v.object({ kind: v.literal('block') }),
    ]),
  }),
  peer: v.object({ peer: fingerprint }),
  workspaceChanged: v.object({ workspaceFolders }),
  peersShown: v.object({ isShown: v.boolean() }),
  examine: v.object({
    id: text,
    peer: v.optional(fingerprint),
    address: v.optional(text),
    remote: v.optional(v.picklist(REMOTE_KINDS)),
  }),
  share: v.object({ paths, options: sendOptions, outbox: v.optional(path) }),
} as const;
