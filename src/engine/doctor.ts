import { arch, homedir, hostname, release, userInfo } from 'node:os';
import { CourierError } from '../base/failure.ts';
import type { Facts, PortFacts, PortHolder, RemoteKind, Step } from '../doctor/facts.ts';
import { judge } from '../doctor/judge.ts';
import { examinationOf } from '../doctor/redact.ts';
import type { Examination } from '../doctor/report.ts';
import type { Identity } from '../node/identity/identity.ts';
import { listInterfaces } from '../node/net/interfaces.ts';
import { probeMulticast } from '../node/net/multicastProbe.ts';
import { tryPort } from '../node/net/portProbe.ts';
import { reach } from '../node/net/reach.ts';
import { readSurroundings } from '../node/surroundings/readSurroundings.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { askedPeer, probePath, probePeer } from './doctorPeer.ts';
import type { DoctorTarget } from './doctorPeer.ts';
import type { StateFolder } from './stateFolder.ts';

export interface ExamineInit {
  readonly state: StateFolder;
  readonly identity: Identity;
  /** What this device calls itself: it is kept out of what strangers may read. */
  readonly name: string;
  /** Of Peer Courier. */
  readonly version: string;
  readonly receiver: OwnReceiver;
  /** Absent: only this device is looked at. */
  readonly target: DoctorTarget | undefined;
  /** What only the caller knows. */
  readonly remote: RemoteKind | undefined;
  /** Told what is known after each step. */
  readonly tell: (examination: Examination) => void;
  readonly signal: AbortSignal;
}

/** This device's receiver, as it is or would be. */
export interface OwnReceiver {
  readonly port: number;
  /** Absent: every interface. */
  readonly host: string | undefined;
  /** Where it listens; none while it is off. */
  readonly addresses: readonly Address[];
}

/** So many of its own addresses a device dials: some machines have hundreds. */
const MOST_OWN_PATHS = 8;
/** Where it is asked who holds a port: whatever address it is, it is this machine. */
const LOOPBACK = '127.0.0.1';

/**
 * Finds out what stands between this device and a peer, and judges it. Changes nothing and trusts nobody. Rejects with
 * `cancelled`, or because what is asked about makes no sense.
 */
export async function examine(init: ExamineInit): Promise<Examination> {
  const { state, identity, target, receiver, remote, tell, signal } = init;
  const peer = target === undefined ? undefined : askedPeer(state, target);
  const secrets = secretsOf(init);
  const interfaces = listInterfaces();
  let facts: Facts = {
    system: systemOf(init),
    interfaces,
    surroundings: undefined,
    port: undefined,
    multicast: undefined,
    peer: undefined,
  };
  const pending = new Set<Step>(['surroundings', 'port', 'multicast']);
  if (peer !== undefined) pending.add('peer');
  const current = (): Examination => examinationOf(judge(facts, [...pending]), secrets);
  const step = async (name: Step, work: Promise<Partial<Facts>>): Promise<void> => {
    const found = await work;
    // Others may have come in meanwhile.
    facts = { ...facts, ...found };
    pending.delete(name);
    tell(current());
  };
  tell(current());
  try {
    await Promise.all([
      step(
        'surroundings',
        readSurroundings({ port: receiver.port, remote, signal }).then((surroundings) => ({ surroundings })),
      ),
      step(
        'port',
        probePort(receiver, identity, signal).then((port) => ({ port })),
      ),
      step(
        'multicast',
        probeMulticast(interfaces, { signal }).then((multicast) => ({ multicast })),
      ),
      ...(peer === undefined
        ? []
        : [
            step(
              'peer',
              probePeer(peer, { state, identity, signal }).then((found) => ({ peer: found })),
            ),
          ]),
    ]);
  } catch (error) {
    if (signal.aborted) throw new CourierError('cancelled', 'cancelled while looking');
    throw error;
  }
  return current();
}

async function probePort(
  { port, host = '', addresses }: OwnReceiver,
  identity: Identity,
  signal: AbortSignal,
): Promise<PortFacts> {
  const isReceiverOn = addresses.length > 0;
  const facts = { port, host, isReceiverOn, addresses: addresses.map(formatAddress) };
  if (isReceiverOn) {
    const dialled = addresses.slice(0, MOST_OWN_PATHS);
    const ownPaths = await Promise.all(dialled.map((address) => probePath({ address, identity, signal })));
    return { ...facts, opening: undefined, holder: undefined, ownPaths };
  }
  const opening = await tryPort(port, host === '' ? undefined : host);
  const holder =
    opening.outcome === 'taken'
      ? await findHolder({ host: host === '' ? LOOPBACK : host, port }, identity, signal)
      : undefined;
  return { ...facts, opening, holder, ownPaths: [] };
}

async function findHolder(address: Address, identity: Identity, signal: AbortSignal): Promise<PortHolder> {
  const reached = await reach({ identity, address, signal });
  if (reached.end !== 'secured') return 'another-program';
  await reached.channel.close();
  return reached.peer.fingerprint === identity.fingerprint ? 'this-device' : 'another-device';
}

function systemOf({ version }: ExamineInit): Facts['system'] {
  return {
    platform: process.platform,
    release: release(),
    architecture: arch(),
    version,
    runtime: process.versions.node,
    program: process.execPath,
  };
}

/** What nobody but the user has to read. */
function secretsOf({ state, identity, name }: ExamineInit): readonly string[] {
  const host = hostname();
  return [
    homedir(),
    userName(),
    host,
    host.split('.')[0] ?? host,
    name,
    identity.fingerprint,
    state.location,
    ...state.peers.list().flatMap((peer) => [peer.name, peer.fingerprint]),
  ];
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without a name.
    return '';
  }
}
