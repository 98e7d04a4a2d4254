import { concatBytes, fromUtf8, utf8 } from '../base/bytes.ts';
import { CourierError } from '../base/failure.ts';
import { decodeMessage, encodeMessage, entryFromWire, entryToWire } from '../protocol/messages.ts';
import type { Entry } from '../protocol/manifest.ts';
import type { PageCodec } from './ledger.ts';
import type { FileVersion } from './ports.ts';

/** What the sender keeps of an entry. */
export interface SourcePageItem {
  readonly entry: Entry;
  /** Absent for a folder. */
  readonly version: FileVersion | undefined;
}

/**
 * How the sender keeps its pages: the page as it goes over the wire, and behind it the version of each
 * file as it was listed. `length of the first (4) | page | versions as JSON`.
 */
export const sourcePageCodec: PageCodec<SourcePageItem> = {
  encode(items) {
    const page = encodeMessage('page', { entries: items.map((item) => entryToWire(item.entry)) });
    const versions = items.map(({ version }) =>
      version === undefined ? null : [version.size, version.mtimeMs, version.ctimeMs, version.inode],
    );
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, page.length);
    return concatBytes([length, page, utf8(JSON.stringify(versions))]);
  },

  decode(bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const { entries } = decodeMessage('page', bytes.subarray(4, 4 + length));
    const versions = arrayFrom(JSON.parse(fromUtf8(bytes.subarray(4 + length))));
    if (versions.length !== entries.length) throw damaged();
    return entries.map((wire, position) => ({
      entry: entryFromWire(wire),
      version: versionFrom(versions[position]),
    }));
  },
};

/** By hand: it is our own, there are many, and a schema takes several times as long. */
function versionFrom(value: unknown): FileVersion | undefined {
  if (value === null) return undefined;
  const [size, mtimeMs, ctimeMs, inode] = arrayFrom(value);
  if (!isNumber(size) || !isNumber(mtimeMs) || !isNumber(ctimeMs) || !isNumber(inode)) throw damaged();
  return { size, mtimeMs, ctimeMs, inode };
}

function arrayFrom(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw damaged();
  return value;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function damaged(): CourierError {
  return new CourierError('internal', 'a stored page is damaged');
}
