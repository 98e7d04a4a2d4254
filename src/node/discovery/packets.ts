import { AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';
import { isIPv6 } from 'node:net';
import { printable } from '../../base/printable.ts';
import { INSTANCE } from '../../peers/announcement.ts';
import type { Announcement } from '../../peers/announcement.ts';

/**
 * Announcements as records of DNS-SD (RFC 6763) in packets of Multicast DNS (RFC 6762). Pure. Of what comes in, only
 * what has exactly the form of ours is looked at.
 */

const SERVICE = '_peer-courier._tcp.local';
/** What lists the kinds of services of a network. */
const SERVICES = '_services._dns-sd._udp.local';
/** How long an announcement is good for, unless it is made again (RFC 6762 § 10: 120 s for what names a host). */
const LIFE_SECONDS = 120;
/** Longer than any packet that would be ours; those of others may have 9000 (RFC 6762 § 17). */
const MOST_BYTES = 1500;
const HEADER_BYTES = 12;
/** Records or questions of one packet. */
const MOST_RECORDS = 64;
/** Of the device's name; a text of a record has 255, with its key. */
const MOST_NAME_BYTES = 64;
/** So that the packet stays below 1,200 bytes whatever the machine looks like. */
const MOST_ADDRESSES = 8;
const NAME_KEY = 'name=';

/** What a packet says that matters to us. */
export interface Heard {
  /** Names that somebody asks about, in lower case. */
  readonly questions: readonly string[];
  readonly announced: readonly Announcement[];
  /** Instances that say goodbye. */
  readonly gone: readonly string[];
}

/** Asks who is there. */
export function questionPacket(): Uint8Array {
  return encode({ type: 'query', questions: [{ name: SERVICE, type: 'PTR' }] });
}

/** Says who is there, with the addresses of the interface that it goes out of; or, at the end, that nobody is. */
export function announcementPacket(
  { instance, port, deviceName }: Announcement,
  addresses: readonly string[],
  { isGoodbye = false }: { readonly isGoodbye?: boolean } = {},
): Uint8Array {
  const ttl = isGoodbye ? 0 : LIFE_SECONDS;
  const name = serviceOf(instance);
  const target = hostOf(instance);
  const texts = ['txtvers=1', ...(deviceName === undefined ? [] : [`${NAME_KEY}${shortened(deviceName)}`])];
  const answers: Answer[] = [
    { type: 'PTR', name: SERVICES, ttl, data: SERVICE },
    { type: 'PTR', name: SERVICE, ttl, data: name },
    { type: 'SRV', name, ttl, flush: true, data: { port, target, priority: 0, weight: 0 } },
    { type: 'TXT', name, ttl, flush: true, data: texts },
    ...addresses.slice(0, MOST_ADDRESSES).map((data): Answer => {
      return { type: isIPv6(data) ? 'AAAA' : 'A', name: target, ttl, flush: true, data };
    }),
  ];
  return encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers });
}

/** Whether a question is about what {@link announcementPacket} says of an instance. */
export function isAbout(question: string, instance: string): boolean {
  return [SERVICE, SERVICES, serviceOf(instance), hostOf(instance)].includes(question);
}

/** What a packet of a stranger says; `undefined` if it is no such packet. */
export function parsePacket(bytes: Buffer): Heard | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > MOST_BYTES) return undefined;
  // The four counts of the header: the parser makes room for as many as they say.
  for (const at of [4, 6, 8, 10]) if (bytes.readUInt16BE(at) > MOST_RECORDS) return undefined;
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  if (packet.type === 'query') {
    const questions = (packet.questions ?? []).map(({ name }) => name.toLowerCase());
    return { questions, announced: [], gone: [] };
  }
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])];
  return {
    questions: [],
    announced: records.flatMap((each) => announcedBy(each, records)),
    gone: goneOf(records),
  };
}

/** What a service record announces: one place, none if it is not ours. */
function announcedBy(record: Answer, records: readonly Answer[]): readonly Announcement[] {
  if (record.type !== 'SRV' || record.ttl === 0) return [];
  const instance = instanceOf(record.name);
  const { port } = record.data;
  if (instance === undefined || port === 0) return [];
  return [{ instance, port, deviceName: nameOf(record.name, records) }];
}

function goneOf(records: readonly Answer[]): readonly string[] {
  return records
    .map((record) => {
      const isGoodbye = record.type === 'PTR' && record.ttl === 0;
      return isGoodbye && record.name.toLowerCase() === SERVICE ? instanceOf(record.data) : undefined;
    })
    .filter((instance) => instance !== undefined);
}

function nameOf(name: string, records: readonly Answer[]): string | undefined {
  for (const record of records) {
    if (record.type !== 'TXT' || record.name !== name) continue;
    for (const text of [record.data].flat()) {
      const line = text.toString();
      const given = line.startsWith(NAME_KEY) ? line.slice(NAME_KEY.length).trim() : '';
      if (given !== '') return printable(given, MOST_NAME_BYTES);
    }
  }
  return undefined;
}

function serviceOf(instance: string): string {
  return `${instance}.${SERVICE}`;
}

function hostOf(instance: string): string {
  return `${instance}.local`;
}

function instanceOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  const instance = lower.endsWith(`.${SERVICE}`) ? lower.slice(0, -SERVICE.length - 1) : '';
  return INSTANCE.test(instance) ? instance : undefined;
}

/** As many whole characters as there is room for. */
function shortened(text: string): string {
  let short = '';
  for (const { segment } of new Intl.Segmenter().segment(text.trim())) {
    if (Buffer.byteLength(short + segment) > MOST_NAME_BYTES) break;
    short += segment;
  }
  return short;
}
