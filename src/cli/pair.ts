import { hostname } from 'node:os';
import { PairingDesk, turnAway } from '../engine/pairingDesk.ts';
import type { PairingWish } from '../engine/pairingDesk.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { Listener } from '../node/net/listener.ts';
import { reachableAddresses } from '../node/net/localAddresses.ts';
import { formatAddress } from '../peers/address.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { announce } from './announce.ts';
import type { PairCommand } from './arguments.ts';
import { commandLine } from './commandLine.ts';
import { explainError, SUCCESS, tellFailure } from './failures.ts';
import { interruption } from './interruption.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { askYes } from './question.ts';

/** `peer-courier pair`: two users compare a code. Returns the exit status. */
export async function pair(command: PairCommand, output: Output): Promise<number> {
  const { signal } = interruption();
  try {
    const state = new StateFolder(command.state ?? defaultStateFolder());
    tellLostIdentity(state, output);
    const wish = {
      identity: await state.identity(),
      name: hostname(),
      compare: (code: string, late: { readonly signal: AbortSignal }) => askWhetherSame(code, output, late),
      signal,
    };
    const desk = new PairingDesk(state);
    const fingerprint =
      command.to === undefined ? await wait(desk, wish, command, output) : await desk.dial(command.to, wish);
    tellPaired(state, fingerprint, command, output);
    return SUCCESS;
  } catch (error) {
    return tellFailure(explainError(error, 'sender'), output);
  }
}

/** Opens the port for one other device, and closes it when that has come. */
async function wait(
  desk: PairingDesk,
  wish: PairingWish,
  { host, port }: PairCommand,
  output: Output,
): Promise<Fingerprint> {
  const open = new Set<Promise<void>>();
  const listener = await Listener.open({
    identity: wish.identity,
    ...(host === undefined ? {} : { host }),
    port,
    onInbound(inbound) {
      const running: Promise<void> = (
        inbound.purpose === 'pairing' ? desk.take(inbound) : turnAway(inbound.channel)
      ).finally(() => open.delete(running));
      open.add(running);
    },
    logger: logTo(output),
  });
  const withdraw = await announce(listener.address, output);
  try {
    const addresses = reachableAddresses(listener.address).map(formatAddress);
    output.event('waiting', { addresses, fingerprint: wish.identity.fingerprint });
    output.line(
      'Waiting for the other device. There, run one of these, or choose “Pair by Code…” in its window:',
    );
    for (const address of addresses) output.line(`  peer-courier pair ${address}`);
    return await desk.wait(wish);
  } finally {
    listener.close();
    await withdraw();
    await Promise.all(open);
  }
}

/** Six digits in two groups, as they are read out. */
function inGroups(code: string): string {
  return `${code.slice(0, 3)} ${code.slice(3)}`;
}

/** Nothing but this comparison stands between the user and somebody in the middle: no answer is a no. */
async function askWhetherSame(
  code: string,
  output: Output,
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  output.event('code', { code });
  output.line(`Code: ${inGroups(code)}`);
  const question = 'Does the other device show the same? If not, somebody may be between you. [y/N] ';
  const isSame = await askYes(question, { signal });
  if (isSame) output.line('Waiting for the other user to say so, too.');
  return isSame;
}

function tellPaired(
  state: StateFolder,
  fingerprint: Fingerprint,
  { to, state: folder }: PairCommand,
  output: Output,
): void {
  const name = state.peers.find(fingerprint)?.name ?? '';
  output.event('paired', { name, fingerprint });
  output.line(`Paired with ${name} (${shortFingerprint(fingerprint)}).`);
  if (to !== undefined) output.line(`Send:  ${commandLine(['send', 'PATH', '--to', name], folder)}`);
}
