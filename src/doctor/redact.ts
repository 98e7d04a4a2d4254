import { scopeOf, splitAddress } from './networks.ts';
import type { AdviceLine, DoctorReport, Examination, Finding } from './report.ts';

/**
 * Takes out of a report what says whose machine it is, so that it can be put before strangers: names of people,
 * devices, hosts and folders, whole addresses and whole fingerprints. Every field of every finding is gone through
 * here by its kind; a new one does not compile until it is.
 */

/** As many digits of a fingerprint as let two reports be compared. */
const SHOWN_DIGITS = 8;
/** What is shorter would take parts out of our own words. */
const SHORTEST_SECRET = 3;

/** Both forms of a report. `secrets` are texts that no line of it may hold, such as the home folder. */
export function examinationOf(report: DoctorReport, secrets: readonly string[]): Examination {
  return { report, redacted: redact(report, secrets) };
}

export function redact(report: DoctorReport, secrets: readonly string[]): DoctorReport {
  const { system, pending, findings, cause } = report;
  const clean = (text: string): string => withoutSecrets(text, secrets);
  const redacted = new Map(findings.map((finding) => [finding, redactFinding(finding, clean)]));
  return {
    // A kernel may have been given a name by who built it.
    system: { ...system, release: clean(system.release) },
    pending,
    findings: [...redacted.values()],
    cause: cause === undefined ? undefined : redacted.get(cause),
  };
}

function redactFinding(finding: Finding, clean: (text: string) => string): Finding {
  const lines = finding.lines.map(({ where, text }): AdviceLine => ({
    where,
    text: maskAddresses(clean(text)),
  }));
  switch (finding.id) {
    case 'networks': {
      const networks = finding.networks.map(({ kind, addresses }) => ({
        kind,
        // Whoever set it up may have named it.
        name: '',
        addresses: addresses.map(maskHost),
      }));
      return { ...finding, lines, networks };
    }
    case 'tunnel':
      return { ...finding, lines, names: [] };
    case 'receiver-on':
    case 'own-address-answers':
    case 'own-address-silent':
      return { ...finding, lines, addresses: finding.addresses.map(maskAddress) };
    case 'host-not-here':
    case 'loopback-only':
      return { ...finding, lines, host: maskHost(finding.host) };
    case 'peer-without-address':
      return { ...finding, lines, name: PEER };
    case 'name-found':
      return {
        ...finding,
        lines,
        host: maskHost(finding.host),
        addresses: finding.addresses.map(maskHost),
      };
    case 'name-unknown':
      return { ...finding, lines, host: maskHost(finding.host) };
    case 'connected':
    case 'refused':
    case 'timed-out':
    case 'unreachable':
    case 'local-network-denied':
    case 'other-network':
    case 'silent':
    case 'hung-up':
    case 'not-peer-courier':
    case 'ourselves':
    case 'another-device':
      return { ...finding, lines, address: maskAddress(finding.address) };
    case 'right-identity':
      return { ...finding, lines, name: PEER, fingerprint: shorten(finding.fingerprint) };
    case 'new-identity':
      return { ...finding, lines, fingerprint: shorten(finding.fingerprint) };
    case 'wrong-identity':
      return {
        ...finding,
        lines,
        name: PEER,
        expected: shorten(finding.expected),
        found: shorten(finding.found),
      };
    // Codes and numbers of ours.
    case 'no-network':
    case 'link-local-only':
    case 'wsl-nat':
    case 'wsl-mirrored':
    case 'wsl-unknown':
    case 'container':
    case 'remote-host':
    case 'firewall':
    case 'no-firewall':
    case 'receiver-off':
    case 'port-free':
    case 'port-taken':
    case 'port-forbidden':
    case 'port-unknown':
    case 'multicast-heard':
    case 'multicast-alone':
    case 'multicast-deaf':
    case 'multicast-unknown':
    case 'greeted':
    case 'not-known-there':
    case 'peer-busy':
    case 'version-mismatch':
    case 'no-greeting':
      return { ...finding, lines };
  }
}

const PEER = 'PEER';

function shorten(fingerprint: string): string {
  return fingerprint.slice(0, SHOWN_DIGITS);
}

/** `HOST:PORT`: the port stays. */
function maskAddress(address: string): string {
  const { host, port } = splitAddress(address);
  const masked = maskHost(host);
  return `${host.includes(':') ? `[${masked}]` : masked}:${port}`;
}

/** As much of an address as says what kind of network it is of. */
function maskHost(host: string): string {
  const scope = scopeOf(host);
  const isIpv6 = host.includes(':');
  switch (scope) {
    case 'name':
      return host.endsWith('.local') ? 'NAME.local' : 'NAME';
    case 'loopback':
      return isIpv6 ? '::1' : '127.0.0.1';
    case 'link-local':
      return isIpv6 ? 'fe80::x' : '169.254.x.x';
    case 'private':
      return isIpv6 ? 'fd00::x' : `${host.split('.').slice(0, 2).join('.')}.x.x`;
    case 'public':
      return isIpv6 ? 'x::x' : 'x.x.x.x';
  }
}

/** Addresses in the middle of a line. */
function maskAddresses(line: string): string {
  return line.replaceAll(/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/gu, (address) =>
    // Ours, and nobody's.
    address === '0.0.0.0' ? address : maskHost(address),
  );
}

/** Longer ones first: a name may be a part of a folder. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((left, right) => right.length - left.length);
  let clean = text;
  for (const secret of longestFirst) clean = replaceEach(clean, secret);
  return clean;
}

/** Whatever the case of its letters, as some systems have it. */
function replaceEach(text: string, secret: string): string {
  const [haystack, needle] = [text.toLowerCase(), secret.toLowerCase()];
  // Letters whose small form is longer would shift the places.
  const isShifted = haystack.length !== text.length || needle.length !== secret.length;
  if (isShifted) return text.replaceAll(secret, HIDDEN);
  const pieces: string[] = [];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    pieces.push(text.slice(from, at), HIDDEN);
    from = at + needle.length;
  }
  return [...pieces, text.slice(from)].join('');
}

const HIDDEN = '…';
