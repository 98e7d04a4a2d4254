import { concatBytes, utf8 } from '../../base/bytes.ts';

/** One question to all, in the format of DNS (RFC 1035 § 4, RFC 6762): enough to see whether multicast is heard. */

/** The services that are asked for: our own, and the list that everybody with any service answers (RFC 6763 § 9). */
const NAMES = ['_peer-courier._tcp.local', '_services._dns-sd._udp.local'];
const HEADER_BYTES = 12;
const TYPE_PTR = 12;
const CLASS_IN = 1;

/** The bytes of the question. By its number it is known again; who answers need not look at it. */
export function multicastQuestion(id: number): Uint8Array {
  const names = NAMES.map(encodeName);
  const length = names.reduce((sum, name) => sum + name.length + 4, HEADER_BYTES);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(4, names.length);
  let at = HEADER_BYTES;
  for (const name of names) {
    bytes.set(name, at);
    view.setUint16(at + name.length, TYPE_PTR);
    view.setUint16(at + name.length + 2, CLASS_IN);
    at += name.length + 4;
  }
  return bytes;
}

/** The number of a message; `undefined` for what is none. */
export function messageNumber(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
}

function encodeName(name: string): Uint8Array {
  const labels = name.split('.').flatMap((label) => [Uint8Array.of(label.length), utf8(label)]);
  return concatBytes([...labels, Uint8Array.of(0)]);
}
