/** A state of the engine in which every text that a peer or a disk can choose is the same hostile one. */
import { ENTRY_FAILURES, SESSION_FAILURES } from '../../../../src/base/failure.ts';
import { found } from '../../../../src/doctor/finding.ts';
import type { DoctorReport, Examination, Finding, Said } from '../../../../src/doctor/report.ts';
import { printable } from '../../../../src/base/printable.ts';
import type {
  EngineState,
  OfferDetails,
  PreviewSummary,
  TransferPhase,
  TransferSummary,
} from '../../../../src/rpc/model.ts';

const PHASES: readonly TransferPhase[] = [
  'shared',
  'connecting',
  'offering',
  'waiting',
  'asking',
  'moving',
  'publishing',
  'paused',
  'interrupted',
  'done',
  'cancelled',
  'declined',
  'failed',
];

export const CODES = [...SESSION_FAILURES, ...ENTRY_FAILURES, 'gone'] as const;

/** What the engine holds back of the length of a text; it may hold back more, never less. */
export function bounded(text: string): string {
  return text.slice(0, 4096);
}

export function hostileOffer(text: string): OfferDetails {
  return {
    files: 3,
    folders: 1,
    bytes: 5,
    roots: [text, text],
    rootCount: 2,
    largest: [
      { path: text, sizeBytes: 3 },
      { path: text, sizeBytes: 2 },
    ],
    notable: { count: 9, first: [text, text, text, text, text] },
    folder: `/home/${text}`,
    conflicts: 1,
    isInWorkspace: true,
    deadlineMs: 0,
  };
}

export function hostileState(given: string): EngineState {
  const text = bounded(given);
  const peer = { name: text, fingerprint: 'ab'.repeat(32) };
  const transfers = (['incoming', 'outgoing'] as const).flatMap((direction) =>
    PHASES.flatMap((phase) =>
      // Which code it is matters to what has ended with it.
      (phase === 'failed' ? CODES : CODES.slice(0, 1)).map((code): TransferSummary => ({
        id: `${direction} ${phase} ${code}`,
        direction,
        peer,
        label: text,
        phase,
        progress: {
          bytesDone: 1,
          bytesTotal: 2,
          entriesDone: 1,
          entriesTotal: 2,
          bytesPerSecond: 1,
          remainingMs: 1,
        },
        startedAtMs: 0,
        window: 'this',
        offer: phase === 'asking' ? hostileOffer(text) : undefined,
        failure: phase === 'moving' ? undefined : { code, detail: text, origin: 'local' },
        retryAtMs: 1,
        heldBytes: 1,
        failedCount: 3,
        failedEntries: [{ path: text, reason: 'disk-error' }],
        skippedCount: 1,
        digest: 'cd'.repeat(32),
      })),
    ),
  );
  const received = [[text], [`a ${text}`, `b ${text}`]].map((names, at) => ({
    id: `received ${at}`,
    label: text,
    peer,
    folder: `/home/${text}`,
    names,
    files: 1,
    folders: 1,
    bytes: 1,
    digest: 'cd'.repeat(32),
    receivedAtMs: 0,
  }));
  return {
    device: { name: printable(text, 64), fingerprint: peer.fingerprint, machine: text },
    receiver: { state: 'listening', addresses: [text], folder: `/home/${text}` },
    peers: [
      {
        ...peer,
        addresses: [text, text],
        policy: { kind: 'accept', upToBytes: 1, folder: `/home/${text}` },
      },
    ],
    nearby: [
      { fingerprint: 'ef'.repeat(32), deviceName: text, address: text, roundTripMs: 1 },
      { fingerprint: peer.fingerprint, deviceName: text, address: text, roundTripMs: 1 },
    ],
    transfers,
    received,
  };
}

export function hostilePreview(text: string): PreviewSummary {
  const some = { count: 5, first: [text, text, text] };
  return {
    files: 3,
    folders: 1,
    bytes: 5,
    largest: [{ path: text, sizeBytes: 3 }],
    ignored: 1,
    secrets: some,
    specials: 1,
    unreadable: some,
    refusedNames: some,
  };
}

/** Every finding in which a name or an address of somebody's stands. */
function hostileSayings(text: string): readonly Said[] {
  const [addresses, fingerprint] = [[text, text], 'ab'.repeat(32)];
  return [
    { id: 'networks', networks: [{ kind: 'lan', name: text, addresses }] },
    { id: 'tunnel', names: addresses },
    { id: 'receiver-on', port: 1, addresses },
    { id: 'port-unknown', port: 1, code: text },
    { id: 'host-not-here', host: text },
    { id: 'loopback-only', host: text },
    { id: 'own-address-answers', addresses },
    { id: 'own-address-silent', addresses },
    { id: 'multicast-unknown', code: text },
    { id: 'peer-without-address', name: text },
    { id: 'name-found', host: text, addresses },
    { id: 'name-unknown', host: text, code: text },
    { id: 'connected', address: text, milliseconds: 1 },
    { id: 'refused', address: text },
    { id: 'timed-out', address: text },
    { id: 'unreachable', address: text, code: text },
    { id: 'local-network-denied', address: text },
    { id: 'other-network', address: text },
    { id: 'silent', address: text },
    { id: 'hung-up', address: text },
    { id: 'not-peer-courier', address: text },
    { id: 'ourselves', address: text },
    { id: 'another-device', address: text },
    { id: 'right-identity', name: text, fingerprint },
    { id: 'wrong-identity', name: text, expected: fingerprint, found: 'cd'.repeat(32) },
  ];
}

export function hostileExamination(given: string): Examination {
  const text = bounded(given);
  const findings = hostileSayings(text).map((said): Finding =>
    found('problem', said, [{ where: 'terminal', text }]),
  );
  const system = { platform: 'linux', release: '6', architecture: 'x64', version: '1', runtime: '24' };
  const report: DoctorReport = { system, pending: [], findings, cause: findings[0] };
  return { report, redacted: report };
}
