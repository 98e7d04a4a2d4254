import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import { file, makeTree, sparse } from '../support/trees.ts';

/** What is typed or pasted makes no sense: arguments and invites. */

const USAGE = 2;
const INVITE_GARBLED = 14;

function misunderstood(words: readonly string[], says: RegExp): void {
  test(`arguments: ${words.join(' ') || 'none'}`, async (t) => {
    const { status, stdout, stderr } = await new Scene(t).run(words).ended;
    assert.equal(status, USAGE, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /Run "peer-courier --help"/u);
    assert.equal(stdout, '');
  });
}

const folder = ['receive', '--folder', '/tmp/peer-courier-never-made'];
misunderstood(
  ['recieve'],
  /There is no command "recieve"\. Commands: receive, send, transfers, resume, discard, invite, pair, nearby, peers, doctor\./u,
);
misunderstood(['receive'], /receive needs --folder DIR/u);
misunderstood(['receive', '--folder', ''], /receive needs --folder DIR/u);
misunderstood([...folder, 'extra'], /extra/u);
misunderstood([...folder, '--fast'], /--fast/u);
misunderstood([...folder, '--port', 'many'], /--port takes a number from 0 to 65535, not "many"/u);
misunderstood([...folder, '--port', '65536'], /--port takes a number from 0 to 65535/u);
misunderstood([...folder, '--port', '-1'], /--port/u);
misunderstood([...folder, '--accept', 'all'], /--accept takes known or ask, not "all"/u);
misunderstood([...folder, '--accept', 'ask'], /--accept ask needs a terminal/u);
misunderstood([...folder, '--on-conflict', 'overwrite'], /--on-conflict takes skip or keep-both or replace/u);
misunderstood(['send'], /send needs at least one PATH/u);
misunderstood(['send', 'file'], /send needs either --invite-file FILE or --to/u);
misunderstood(
  ['send', 'file', '--to', 'a', '--invite-file', 'b'],
  /send needs either --invite-file FILE or --to/u,
);
misunderstood(['send', 'file', '--share', '--to', 'a'], /or --share/u);
misunderstood(
  ['send', 'file', '--to', 'a', '--share-file', 'b'],
  /--share-file, --host and --port need --share/u,
);
misunderstood(['send', 'file', '--to', 'a', '--port', '1'], /need --share/u);
misunderstood(['send', 'file', '--share', '--port', 'many'], /--port takes a number/u);
misunderstood([...folder, '--from-file', 'a', '--once'], /With --from-file the other device is dialled/u);
misunderstood([...folder, '--from-file', 'a', '--invite-file', 'b'], /With --from-file/u);
misunderstood([...folder, '--from-file', '-', '--accept', 'ask'], /--accept ask needs the terminal/u);
misunderstood([...folder, '--retry-for', '5m'], /--retry-for needs --from-file/u);
misunderstood([...folder, '--from-file', 'a', '--retry-for', 'long'], /--retry-for takes a duration/u);
for (const limit of ['0', '-1', 'fast', '1e9', '0.0001', '']) {
  misunderstood(['send', 'file', '--to', 'a', '--limit', limit], /--limit/u);
}
for (const lanes of ['0', '17', 'many', '1.5', '-2']) {
  misunderstood(['send', 'file', '--to', 'a', '--lanes', lanes], /--lanes/u);
}
misunderstood(['resume', 'abcd', '--lanes', '99'], /--lanes takes a number from 1 to 16, not "99"/u);
misunderstood(['invite', '--folder', 'x'], /--folder/u);
misunderstood(['doctor', 'a', 'b'], /doctor takes one NAME or HOST\[:PORT\], not several/u);
misunderstood(['doctor', '--port', '0'], /doctor needs a --port from 1 to 65535/u);
misunderstood(['doctor', '--port', 'x'], /--port takes a number/u);
misunderstood(['doctor', '--fix'], /--fix/u);

misunderstood(
  ['peers', 'list'],
  /peers takes rename or forget or accept or ask or block or default, not "list"/u,
);
misunderstood(['peers', 'forget'], /peers forget takes one NAME/u);
misunderstood(['peers', 'forget', 'a', 'b'], /peers forget takes one NAME/u);
misunderstood(['peers', 'rename', 'a'], /peers rename takes NAME and NEW, two words/u);
misunderstood(['peers', 'rename', 'a', ' '], /peers rename needs a new name that is not empty/u);
misunderstood(['peers', 'accept', 'a', '--up-to', '1GB'], /peers accept needs --folder DIR/u);
misunderstood(
  ['peers', 'accept', 'a', '--folder', 'x'],
  /--up-to takes a size such as 500MB or 1\.5GB: it is missing/u,
);
for (const size of ['0MB', '5', '1e9MB', '-1GB', 'all', '0.0001kB']) {
  misunderstood(['peers', 'accept', 'a', '--folder', 'x', `--up-to=${size}`], /--up-to takes a size/u);
}
misunderstood(['peers', 'block', 'a', '--folder', 'x'], /--up-to and --folder belong to "peers accept"/u);

for (const words of [[], ['help'], ['--help'], ['send', '--help']]) {
  test(`help: ${words.join(' ') || 'nothing typed'}`, async (t) => {
    const { status, stdout, stderr } = await new Scene(t).run(words).ended;
    assert.equal(status, 0);
    assert.match(stdout, /peer-courier receive --folder DIR/u);
    assert.equal(stderr, '');
  });
}

/** An invite that is not whole. `spoil` gets a good one. */
function garbled(name: string, spoil: (invite: string, path: string) => void, says: RegExp): void {
  test(`an invite file: ${name}`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, { note: file('hello') });
    await scene.receive();
    spoil(readFileSync(scene.inviteFile, 'utf8').trim(), scene.path('garbled'));
    const words = ['--invite-file', scene.path('garbled')];
    const ended = await scene.send([scene.path('note')], { words });
    assert.equal(ended.status, INVITE_GARBLED, ended.stdout);
    const message = String(eventOf(ended, 'failed')['message']);
    assert.match(message, says);
    assert.doesNotMatch(message, /secret/u);
    scene.assertClean({});
    // The good one was not spent.
    assert.equal((await scene.send([scene.path('note')])).status, 0);
  });
}

function holding(content: (invite: string) => string | Uint8Array) {
  return (invite: string, path: string): void => writeFileSync(path, content(invite));
}

const cut = /^This is not a whole invite: it is cut or mistyped\. Copy it again, all of it\.$/u;
const foreign = /^This is not a whole invite: it does not begin with "peer-courier:"\./u;
const long = /^This is not a whole invite: it is too long\./u;

garbled(
  'empty',
  holding(() => ''),
  foreign,
);
garbled(
  'blank',
  holding(() => ' \n\n'),
  foreign,
);
garbled(
  'only the beginning',
  holding(() => 'peer-courier:'),
  cut,
);
garbled(
  'without its last character',
  holding((invite) => invite.slice(0, -1)),
  cut,
);
garbled(
  'without its first half',
  holding((invite) => `peer-courier:${invite.slice(80)}`),
  cut,
);
garbled(
  'one character mistyped',
  holding((invite) => replaceAt(invite, 60)),
  cut,
);
garbled(
  'twice in a row',
  holding((invite) => invite + invite),
  cut,
);
garbled(
  'two lines',
  holding((invite) => `${invite}\n${invite}\n`),
  cut,
);
garbled(
  'another text',
  holding(() => 'My secret diary.\nDear diary,\n'),
  foreign,
);
garbled(
  'bytes that are no text',
  holding(() => Uint8Array.from({ length: 300 }, (_, at) => 255 - (at % 256))),
  foreign,
);
garbled(
  'a mebibyte of invite',
  holding((invite) => invite + 'A'.repeat(1024 * 1024)),
  long,
);
garbled(
  'larger than memory',
  (_, path) => makeTree(path.replace(/garbled$/u, ''), { garbled: sparse(2 ** 42) }),
  long,
);
garbled('not there', () => undefined, /garbled cannot be read/u);
garbled('a folder', (_, path) => makeTree(path, { x: file() }), /garbled cannot be read/u);

function replaceAt(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

test('an invite file that is a device without an end', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const ended = await scene.send([scene.path('note')], { words: ['--invite-file', '/dev/zero'] });
  assert.equal(ended.status, INVITE_GARBLED);
  assert.match(String(eventOf(ended, 'failed')['message']), long);
});

test('an invite on the standard input, with blanks around it', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  await scene.receive();
  const sender = scene.startSend([scene.path('note')], { words: ['--invite-file', '-'] });
  sender.type(`\n  ${readFileSync(scene.inviteFile, 'utf8')}\n`);
  sender.endInput();
  assert.equal((await sender.ended).status, 0);
  assert.deepEqual(Object.keys(scene.look()), ['note']);
});

test('nothing on the standard input', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const sender = scene.startSend([scene.path('note')], { words: ['--invite-file', '-'] });
  sender.endInput();
  assert.equal((await sender.ended).status, INVITE_GARBLED);
});
