import * as v from 'valibot';
import { concatBytes, fromUtf8, utf8 } from '../base/bytes.ts';
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
    const versions = v.parse(versionsSchema, JSON.parse(fromUtf8(bytes.subarray(4 + length))));
    return entries.map((wire, position) => {
      const version = versions[position] ?? undefined;
      if (version === undefined) return { entry: entryFromWire(wire), version };
      const [size, mtimeMs, ctimeMs, inode] = version;
      return { entry: entryFromWire(wire), version: { size, mtimeMs, ctimeMs, inode } };
    });
  },
};

const versionsSchema = v.array(v.nullable(v.tuple([v.number(), v.number(), v.number(), v.number()])));
