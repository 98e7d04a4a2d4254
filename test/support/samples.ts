import { concatBytes, utf8 } from '../../src/base/bytes.ts';
import { encodeHeader, FrameType } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import type { Entry, FileEntry, FolderEntry } from '../../src/protocol/manifest.ts';
import type { MessageInput, MessageName } from '../../src/protocol/messages.ts';
import { parseSafePath } from '../../src/protocol/wirePath.ts';
import type { SafePath } from '../../src/protocol/wirePath.ts';

const DIGEST = 'ab'.repeat(32);

/** One of each control message, with every key that it can have. */
export const sampleMessages: { readonly [Name in MessageName]: MessageInput<Name> } = {
  hello: {
    versions: [1, 1],
    role: 'sender',
    name: 'Zoë’s 💻',
    codecs: ['zstd', 'gzip'],
    limits: { openWants: 64, lanes: 16 },
    proof: { invite: '0123456789abcdef', mac: DIGEST },
    transfer: '00112233445566778899aabbccddeeff',
  },
  offer: { transfer: '00112233445566778899aabbccddeeff', label: 'Photos' },
  page: {
    entries: [
      ['d', 'photos', -1],
      ['f', 'photos/a.jpg', 12, 1_700_000_000_000, false],
      ['f', 'photos/run.sh', 0, 0, true],
    ],
  },
  offerEnd: { pages: 1, entries: 3, files: 2, bytes: 12, leftOut: 4 },
  answer: {
    decisions: [
      ['take', 2],
      ['same', 1],
    ],
  },
  want: { have: [DIGEST, null] },
  failed: { reason: 'source-changed' },
  progress: { bytes: 12, entries: 2 },
  outcome: { failures: [[0, 1, 'disk-error']] },
  receipt: { root: DIGEST, published: 1, same: 1, skipped: 1, failed: 0, bytes: 12 },
  close: { code: 'done', message: 'good bye' },
  join: { session: '0123456789abcdef0123456789abcdef', lane: 3, mac: DIGEST },
  lost: { lane: 3, chunks: [0, 7, 2 ** 53 - 1] },
  commit: { commitment: DIGEST },
  nonce: { nonce: DIGEST },
  reveal: { nonce: DIGEST },
  agree: { mac: DIGEST, name: 'Zoë’s 💻' },
};

/** The bytes of a frame that says anything at all, legal or not. */
export function rawFrame(type: number, index: number, payload: Uint8Array): Uint8Array {
  const header = encodeHeader({ type: FrameType.alive, length: payload.length, index });
  header[0] = type;
  return concatBytes([header, payload]);
}

/** The bytes of a frame; a payload that is not bytes becomes JSON. */
export function frame(name: FrameName, payload: unknown = new Uint8Array(0), index = 0): Uint8Array {
  return rawFrame(
    FrameType[name],
    index,
    payload instanceof Uint8Array ? payload : utf8(JSON.stringify(payload)),
  );
}

/** One frame of each type. */
export const sampleFrames: readonly (readonly [FrameName, Uint8Array])[] = [
  ...Object.entries(sampleMessages).map(
    ([name, message]) => [name as FrameName, frame(name as FrameName, message)] as const,
  ),
  [
    'data',
    frame(
      'data',
      Uint8Array.from({ length: 70 }, (_, at) => at),
      2 ** 53 - 1,
    ),
  ],
  ['same', frame('same', undefined, 2 ** 32)],
  ['alive', frame('alive')],
  ['joined', frame('joined')],
];

export function safePath(text: string): SafePath {
  const parsed = parseSafePath(text);
  if ('refusal' in parsed) throw new RangeError(`${text}: ${parsed.refusal}`);
  return parsed.path;
}

export function file(path: string, size = 0, isExecutable = false): FileEntry {
  return { kind: 'file', path: safePath(path), size, mtimeMs: 1000, isExecutable };
}

export function folder(path: string): FolderEntry {
  return { kind: 'folder', path: safePath(path), mtimeMs: 1000 };
}

/** Entries from paths; one that ends with `/` is a folder. */
export function entriesOf(...paths: readonly string[]): Entry[] {
  return paths.map((path) => (path.endsWith('/') ? folder(path.slice(0, -1)) : file(path)));
}

/** Whether `error` says that the peer broke the protocol, with one of these codes. */
export function isRemoteError(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof Error &&
    error.name === 'RemoteProtocolError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    (codes.length === 0 || codes.includes(error.code));
}
