import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { printable } from '../../src/base/printable.ts';
import {
  announcementPacket,
  isAbout,
  parsePacket,
  questionPacket,
} from '../../src/node/discovery/packets.ts';
import type { Announcement } from '../../src/peers/announcement.ts';

/** What is announced on the local network, as bytes. */

const ANNA: Announcement = { instance: '0123456789abcdef', port: 47_470, deviceName: 'Anna’s workbench' };

function heard(packet: Uint8Array): ReturnType<typeof parsePacket> {
  return parsePacket(Buffer.from(packet));
}

test('an announcement reads back as it was made', () => {
  const packet = announcementPacket(ANNA, ['192.168.1.7', 'fe80::1']);
  assert.deepEqual(heard(packet), { questions: [], announced: [ANNA], gone: [] });
});

test('without a name that the user has set, there is none in it, and nothing else of the machine', () => {
  const packet = announcementPacket({ ...ANNA, deviceName: undefined }, ['192.168.1.7']);
  assert.deepEqual(heard(packet)?.announced, [{ ...ANNA, deviceName: undefined }]);
  const { answers = [] } = decode(Buffer.from(packet));
  assert.deepEqual(
    answers.map(({ type, name }) => `${type} ${name}`),
    [
      'PTR _services._dns-sd._udp.local',
      'PTR _peer-courier._tcp.local',
      'SRV 0123456789abcdef._peer-courier._tcp.local',
      'TXT 0123456789abcdef._peer-courier._tcp.local',
      'A 0123456789abcdef.local',
    ],
  );
  const texts = answers.flatMap((each) => (each.type === 'TXT' ? [each.data].flat().map(String) : []));
  assert.deepEqual(texts, ['txtvers=1']);
});

test('a goodbye says that it is one, and announces nobody', () => {
  const packet = announcementPacket(ANNA, ['192.168.1.7'], { isGoodbye: true });
  assert.deepEqual(heard(packet), { questions: [], announced: [], gone: [ANNA.instance] });
});

test('the question is answered by whoever it is about', () => {
  const [question = ''] = heard(questionPacket())?.questions ?? [];
  assert.ok(isAbout(question, ANNA.instance));
  assert.ok(isAbout('_services._dns-sd._udp.local', ANNA.instance));
  assert.ok(isAbout('0123456789abcdef._peer-courier._tcp.local', ANNA.instance));
  assert.ok(!isAbout('fedcba9876543210._peer-courier._tcp.local', ANNA.instance));
  assert.ok(!isAbout('_ssh._tcp.local', ANNA.instance));
});

test('case 168: whatever the name, the packet is small, whole, and has nothing in it that nobody put there', () => {
  const addresses = Array.from({ length: 40 }, (_, at) => `fd00:1234:5678:9abc:def0:1234:5678:${at}`);
  for (const deviceName of [
    '👩‍👩‍👧‍👦'.repeat(3000),
    'x'.repeat(10_240),
    '\0\u001b[2J',
    'é'.repeat(33),
    'name=',
    '.'.repeat(500),
  ]) {
    const packet = announcementPacket({ ...ANNA, deviceName }, addresses);
    assert.ok(packet.length <= 1200, `${packet.length}`);
    const [first] = heard(packet)?.announced ?? [];
    assert.ok(Buffer.byteLength(first?.deviceName ?? '') <= 64 * 8);
    assert.equal(
      first?.deviceName,
      first?.deviceName === undefined ? undefined : printable(first.deviceName),
    );
    // Made twice, it is the same: no byte of it is left over from something else.
    assert.deepEqual(announcementPacket({ ...ANNA, deviceName }, addresses), packet);
  }
});

test('a name is cut between characters that belong together', () => {
  const family = '👩‍👩‍👧‍👦';
  const packet = announcementPacket({ ...ANNA, deviceName: family.repeat(10) }, []);
  const { answers = [] } = decode(Buffer.from(packet));
  const texts = answers.flatMap((each) => (each.type === 'TXT' ? [each.data].flat().map(String) : []));
  assert.deepEqual(texts, ['txtvers=1', `name=${family.repeat(2)}`]);
});

test('what is none of ours is passed over', () => {
  const service = '_peer-courier._tcp.local';
  const good = { type: 'SRV', ttl: 120, data: { port: 1, target: 'x.local' } } as const;
  for (const name of ['kitchen', '0123456789ABCDEG', '', '0123456789abcdef.x', '../../etc']) {
    const packet = encode({ type: 'response', answers: [{ ...good, name: `${name}.${service}` }] });
    assert.deepEqual(heard(packet)?.announced, [], name);
  }
  const closed = encode({
    type: 'response',
    answers: [{ ...good, name: `${ANNA.instance}.${service}`, data: { port: 0, target: 'x.local' } }],
  });
  assert.deepEqual(heard(closed)?.announced, []);
});

test('bytes that are no packet are nothing', () => {
  const sound = Buffer.from(announcementPacket(ANNA, ['192.168.1.7']));
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(11),
    sound.subarray(0, 40),
    Buffer.alloc(1501),
    Buffer.alloc(1400, 0xc0),
  ]) {
    assert.equal(parsePacket(bytes), undefined);
  }
});

test('a header that promises thousands of records is refused before room is made for them', () => {
  for (const at of [4, 6, 8, 10]) {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16BE(65_535, at);
    assert.equal(parsePacket(bytes), undefined);
  }
});
