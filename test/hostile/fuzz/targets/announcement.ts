import assert from 'node:assert/strict';
import { announcementPacket, parsePacket, questionPacket } from '../../../../src/node/discovery/packets.ts';
import type { Announcement } from '../../../../src/peers/announcement.ts';
import { Dice } from '../dice.ts';
import { mutateBytes } from '../mutateBytes.ts';
import type { FuzzInput, FuzzTarget, Verdict } from '../target.ts';

const NAMES = ['', 'Anna', 'Boris’s workbench', '👩‍👩‍👧‍👦', 'x'.repeat(64)];
const seeds = Array.from({ length: 40 }, (_, at): Uint8Array => {
  const dice = new Dice(0, at);
  if (at % 8 === 0) return questionPacket();
  return announcementPacket(someAnnouncement(dice), ['192.168.1.7', 'fe80::1'], { isGoodbye: at % 8 === 1 });
});

/** Packets of the local network: announcements, goodbyes and questions. */
export function announcementTarget(): FuzzTarget {
  return {
    kinds: ['packet'],
    generate: (dice) => ({ kind: 'packet', bytes: mutateBytes(dice.pick(seeds), dice, dice.pick(seeds)) }),
    check: checkPacket,
  };
}

function someAnnouncement(dice: Dice): Announcement {
  const instance = Buffer.from(dice.bytes(8)).toString('hex');
  return { instance, port: 1 + dice.below(65_535), deviceName: dice.pick(NAMES) || undefined };
}

function checkPacket({ bytes }: FuzzInput): Verdict {
  const heard = parsePacket(Buffer.from(bytes));
  if (heard === undefined) return 'refused';
  assert.ok(heard.announced.length + heard.gone.length + heard.questions.length <= 3 * 64);
  for (const { instance, port, deviceName } of heard.announced) {
    assert.match(instance, /^[0-9a-f]{16}$/u);
    assert.ok(Number.isInteger(port) && port > 0 && port < 65_536, `${port}`);
    assert.ok([...(deviceName ?? 'a')].length <= 64 && deviceName !== '', deviceName);
    // What was understood can be said again.
    const again = parsePacket(Buffer.from(announcementPacket({ instance, port, deviceName: undefined }, [])));
    assert.deepEqual(again?.announced, [{ instance, port, deviceName: undefined }]);
  }
  for (const instance of heard.gone) assert.match(instance, /^[0-9a-f]{16}$/u);
  return 'taken';
}
