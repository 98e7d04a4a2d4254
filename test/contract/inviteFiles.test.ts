import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { InviteFiles } from '../../src/node/state/inviteFiles.ts';
import { inviteName } from '../../src/peers/invite.ts';
import { runTogether } from '../support/children.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { scratchFolder } from '../support/scratch.ts';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

/** Invites on clocks that are turned by hand. */
class Desk {
  readonly folder: string;
  wallMs = NOW;
  bootMs = 5 * MINUTE;

  constructor(t: TestContext) {
    this.folder = join(scratchFolder(t), 'invites');
  }

  /** As another process would open them. */
  get invites(): InviteFiles {
    return new InviteFiles(this.folder, { wallMs: () => this.wallMs, bootMs: () => this.bootMs });
  }

  isGood(invite: string): boolean {
    return this.invites.tokenOf(invite) !== undefined;
  }
}

test('an invite is good at once, for any process, and its file is the owner’s', (t) => {
  const desk = new Desk(t);
  const { id, token } = desk.invites.create();
  assert.deepEqual([id.length, token.length], [8, 16]);
  assert.deepEqual([...(desk.invites.tokenOf(inviteName(id)) ?? [])], [...token]);
  const [file = ''] = readdirSync(desk.folder);
  assert.equal(statSync(join(desk.folder, file)).mode % 0o1000, 0o600);
  assert.ok(!file.includes(Buffer.from(token).toString('hex')), 'the token is no part of a name');
  const other = desk.invites.create();
  assert.notDeepEqual(other.id, id);
  assert.notDeepEqual(other.token, token);
  assert.ok(desk.isGood(inviteName(id)) && desk.isGood(inviteName(other.id)));
});

/** How both clocks have moved since the invite was made, and whether it is still good then. */
const times: readonly (readonly [string, number, number, boolean])[] = [
  ['at once', 0, 0, true],
  ['just before the end', 10 * MINUTE - 1, 10 * MINUTE - 1, true],
  ['at the end', 10 * MINUTE, 10 * MINUTE, false],
  ['a day later', 1440 * MINUTE, 1440 * MINUTE, false],
  ['the wall clock was set on', 10 * MINUTE, 1000, false],
  ['the wall clock was set back', -1, 1000, false],
  ['the wall clock was set back, the time is over', 1000, 10 * MINUTE, false],
  ['set back by a year', -525_600 * MINUTE, 9 * MINUTE, false],
  ['after a reboot', 2 * MINUTE, -4 * MINUTE, false],
  ['after a reboot, the wall clock set back', 0, -1, false],
];

for (const [when, wall, boot, isGood] of times) {
  test(`an invite ${isGood ? 'is good' : 'has ended'}: ${when}`, (t) => {
    const desk = new Desk(t);
    const invite = inviteName(desk.invites.create().id);
    desk.wallMs += wall;
    desk.bootMs += boot;
    assert.equal(desk.isGood(invite), isGood);
  });
}

test('making one clears away those that have ended, and no others', (t) => {
  const desk = new Desk(t);
  const first = inviteName(desk.invites.create().id);
  desk.wallMs += 6 * MINUTE;
  desk.bootMs += 6 * MINUTE;
  const second = inviteName(desk.invites.create().id);
  assert.equal(readdirSync(desk.folder).length, 2);
  desk.wallMs += 6 * MINUTE;
  desk.bootMs += 6 * MINUTE;
  const third = inviteName(desk.invites.create().id);
  assert.deepEqual(
    [first, second, third].map((invite) => desk.isGood(invite)),
    [false, true, true],
  );
  assert.equal(readdirSync(desk.folder).length, 2);
});

test('an invite is spent once', (t) => {
  const desk = new Desk(t);
  const [one, other] = [inviteName(desk.invites.create().id), inviteName(desk.invites.create().id)];
  assert.equal(desk.invites.redeem(one), true);
  assert.equal(desk.isGood(one), false);
  assert.equal(desk.invites.redeem(one), false);
  assert.equal(desk.isGood(other), true);
});

test('of many processes that spend one invite, one does', async (t) => {
  const desk = new Desk(t);
  const invite = inviteName(desk.invites.create().id);
  const results = await runTogether(
    'redeem',
    Array.from({ length: 8 }, () => [desk.folder, invite]),
  );
  assert.equal(results.filter((result) => result === true).length, 1);
  assert.deepEqual(readdirSync(desk.folder), []);
});

test('an id that was never given out leads to no file, whatever it is', (t) => {
  const desk = new Desk(t);
  const good = inviteName(desk.invites.create().id);
  const content = readFileSync(join(desk.folder, `${good}.json`), 'utf8');
  for (const name of ['../outside', 'x', '', '0123456789abcde', '0123456789abcdef0', 'ABCDEF0123456789']) {
    writeFileSync(join(desk.folder, `${name}.json`), content);
  }
  mkdirSync(join(desk.folder, 'sub'));
  writeFileSync(join(desk.folder, 'sub', `${good}.json`), content);
  const before = pictureOf(join(desk.folder, '..'));
  const hostile = [
    '../outside',
    'x',
    '',
    '.',
    '..',
    '0123456789abcde',
    '0123456789abcdef0',
    'ABCDEF0123456789',
    `sub/${good}`,
    `../invites/${good}`,
    `${good}.json`,
    `${good}\0`,
    join(desk.folder, good),
    'a'.repeat(1e5),
  ];
  for (const id of hostile) {
    assert.equal(desk.invites.tokenOf(id), undefined, id.slice(0, 50));
    assert.equal(desk.invites.redeem(id), false, id.slice(0, 50));
  }
  assert.equal(desk.invites.redeem('0'.repeat(16)), false);
  assert.deepEqual(pictureOf(join(desk.folder, '..')), before);
  assert.ok(desk.isGood(good));
});

test('a damaged invite is no invite', (t) => {
  const desk = new Desk(t);
  const invite = inviteName(desk.invites.create().id);
  const file = join(desk.folder, `${invite}.json`);
  const good = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const token = String(good['token']);
  const bad: readonly unknown[] = [
    null,
    [],
    'text',
    {},
    {
      ...good,
      token: token.slice(2),
    },
    {
      ...good,
      token: token.toUpperCase(),
    },
    {
      ...good,
      token: '',
    },
    {
      ...good,
      madeAtMs: '0',
    },
    {
      ...good,
      madeAtMs: null,
    },
    {
      ...good,
      more: 1,
    },
  ];
  for (const each of bad) {
    writeFileSync(file, JSON.stringify(each));
    assert.equal(desk.isGood(invite), false, JSON.stringify(each));
  }
  writeFileSync(file, JSON.stringify(good).slice(0, -5));
  assert.equal(desk.isGood(invite), false);
  writeFileSync(file, JSON.stringify({ ...good, madeAtMs: 0 }).replace('"madeAtMs":0', '"madeAtMs":1e999'));
  assert.equal(desk.isGood(invite), false);
  writeFileSync(file, JSON.stringify(good));
  assert.equal(desk.isGood(invite), true);
});

test('looking for an invite makes nothing', (t) => {
  const desk = new Desk(t);
  assert.equal(desk.isGood('0'.repeat(16)), false);
  assert.equal(desk.invites.redeem('0'.repeat(16)), false);
  assert.equal(existsSync(desk.folder), false);
});

test('the system’s own clocks let an invite live', (t) => {
  const invites = new InviteFiles(join(scratchFolder(t), 'invites'));
  const { id, token } = invites.create();
  assert.deepEqual([...(invites.tokenOf(inviteName(id)) ?? [])], [...token]);
});
