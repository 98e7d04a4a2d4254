import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { DoctorReport, Examination, Finding, FindingState } from '../doctor/report.ts';
import { examine } from '../engine/doctor.ts';
import type { OwnReceiver } from '../engine/doctor.ts';
import type { DoctorTarget } from '../engine/doctorPeer.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import type { Identity } from '../node/identity/identity.ts';
import { createIdentity } from '../node/identity/identityText.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import type { DoctorCommand } from './arguments.ts';
import { placeOf, sentenceOf } from './doctorWords.ts';
import { DOCTOR_STATUS, explainError, SUCCESS, tellFailure } from './failures.ts';
import { interruption } from './interruption.ts';
import type { Output } from './output.ts';
import { version } from './version.ts';

/** `peer-courier doctor`: what stands between this device and a peer. Returns the exit status. */
export async function doctor(command: DoctorCommand, output: Output): Promise<number> {
  const { signal } = interruption();
  try {
    const state = new StateFolder(command.state ?? defaultStateFolder());
    const examination = await examine({
      state,
      identity: await identityOf(state),
      name: hostname(),
      version: version(),
      receiver: receiverOf(state, command),
      target: targetOf(state, command.target),
      remote: undefined,
      tell: () => undefined,
      signal,
    });
    return tellReport(reportOf(examination, command), output);
  } catch (error) {
    return tellFailure(explainError(error, 'sender'), output);
  }
}

/** To look changes nothing: a device that has no identity yet gets none that stays. */
function identityOf(state: StateFolder): Promise<Identity> {
  return existsSync(state.identityFile) ? state.identity() : createIdentity();
}

/** The receiver that runs with the same state, or the one that would. */
function receiverOf(state: StateFolder, { port, host }: DoctorCommand): OwnReceiver {
  const addresses = state.listeningAddresses();
  const running = addresses[0]?.port;
  const isMeant = running !== undefined && (port === undefined || port === running);
  return {
    host,
    port: port ?? running ?? DEFAULT_PORT,
    addresses: isMeant ? addresses : [],
  };
}

/** A known peer's name before an address. */
function targetOf(state: StateFolder, target: string | undefined): DoctorTarget | undefined {
  if (target === undefined) return undefined;
  const named = state.peers.list().find(({ name }) => name === target);
  return named === undefined
    ? { kind: 'address', text: target }
    : { kind: 'peer', fingerprint: named.fingerprint, addresses: [] };
}

function reportOf({ report, redacted }: Examination, { isRedacted }: DoctorCommand): DoctorReport {
  return isRedacted ? redacted : report;
}

/** The likely cause first, then all that was found. Returns the exit status. */
export function tellReport({ system, findings, cause }: DoctorReport, output: Output): number {
  const { version: ours, runtime, platform, release, architecture } = system;
  output.event('system', { ...system });
  output.line(`Peer Courier ${ours}, Node ${runtime}, ${platform} ${release} ${architecture}`);
  output.line('');
  if (cause !== undefined) {
    output.line('Most likely in the way:');
    tellFinding(cause, output);
    output.line('');
    output.line('What else was found:');
  }
  for (const finding of findings) {
    output.event('finding', { ...finding, sentence: sentenceOf(finding), isCause: finding === cause });
    if (finding !== cause) tellFinding(finding, output);
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  output.event('examined', { problems, cause: cause?.id ?? null });
  return problems === 0 ? SUCCESS : DOCTOR_STATUS;
}

const MARKS: Readonly<Record<FindingState, string>> = {
  ok: 'ok       ',
  problem: 'problem  ',
  unknown: 'unknown  ',
  note: 'note     ',
};
const INDENT = ' '.repeat(MARKS.ok.length);

function tellFinding(finding: Finding, output: Output): void {
  output.line(`${MARKS[finding.state]}${sentenceOf(finding)}`);
  let place: string | undefined;
  for (const { where, text } of finding.lines) {
    if (where !== place) output.line(`${INDENT}${placeOf(where)}`);
    place = where;
    output.line(`${INDENT}  ${text}`);
  }
}
