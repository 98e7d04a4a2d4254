import { isAbsolute } from 'node:path';
import * as v from 'valibot';

/** What the files of a known peer say; see `knownPeers.ts`. */

const version = v.literal(1);
const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

export const trustSchema = v.strictObject({
  version,
  fingerprint,
  /** The one it was paired under. */
  name,
  /** Milliseconds since 1970, as far as a date reaches; tells who came first. */
  pairedAtMs: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8.64e15)),
});

export const nameSchema = v.strictObject({ version, fingerprint, name });

/** `name` stands in the place of `of`, for as long as the peer is called that. */
export const shownSchema = v.strictObject({ version, fingerprint, of: name, name });

export const policySchema = v.strictObject({
  version,
  fingerprint,
  policy: v.variant('kind', [
    v.strictObject({ kind: v.literal('ask') }),
    v.strictObject({
      kind: v.literal('accept'),
      upToBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
      folder: v.pipe(
        v.string(),
        v.maxLength(32_768),
        v.check((value) => isAbsolute(value) && !value.includes('\0'), 'not an absolute path'),
      ),
    }),
  ]),
});

export const reachedSchema = v.object({ addresses: v.pipe(v.array(v.string()), v.maxLength(64)) });
