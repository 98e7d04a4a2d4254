import type { ContainerKind, FirewallFacts, WslFacts } from './facts.ts';

/**
 * What files and programs of a system say about it, read from their text. Pure, so that what Windows and macOS print
 * is tested on any machine. Nothing that looks unfamiliar is taken for an answer.
 */

/** From `/proc/sys/kernel/osrelease`; the first kind has a kernel of Microsoft's own, without Linux in it. */
export function wslVersion(osRelease: string): 1 | 2 | undefined {
  if (!/microsoft/iu.test(osRelease)) return undefined;
  return /wsl2|microsoft-standard/iu.test(osRelease) ? 2 : 1;
}

/** What `wslinfo --networking-mode` prints; before there was that program, a mirrored network shows by its loopback. */
export function wslNetworking(
  printed: string | undefined,
  interfaces: readonly string[],
): WslFacts['networking'] {
  switch (printed?.trim().toLowerCase()) {
    case 'nat':
      return 'nat';
    case 'mirrored':
      return 'mirrored';
    case undefined:
    case '':
      return interfaces.includes('loopback0') ? 'mirrored' : 'unknown';
    default:
      return 'other';
  }
}

/** By the marks that Docker and Podman leave, and else by the groups of the first process. */
export function containerKind(signs: {
  readonly hasDockerMark: boolean;
  readonly hasPodmanMark: boolean;
  readonly groups: string;
}): ContainerKind | undefined {
  if (signs.hasDockerMark) return 'docker';
  if (signs.hasPodmanMark) return 'podman';
  if (/\bdocker\b/u.test(signs.groups)) return 'docker';
  return /\b(?:kubepods|containerd|libpod|lxc)\b/u.test(signs.groups) ? 'other' : undefined;
}

/** `/etc/ufw/ufw.conf`, which all may read, and the rules, which only root may; absent if they cannot be read. */
export function ufw(
  configuration: string | undefined,
  rules: string | undefined,
  port: number,
): FirewallFacts | undefined {
  if (configuration === undefined || !/^ENABLED=["']?yes["']?\s*$/imu.test(configuration)) return undefined;
  if (rules === undefined) return { tool: 'ufw', passes: 'unknown' };
  return { tool: 'ufw', passes: ufwAllows(rules, port) ? 'yes' : 'no' };
}

/** A rule stands behind a comment that sums it up: `### tuple ### allow tcp 47470 0.0.0.0/0 any 0.0.0.0/0 in`. */
function ufwAllows(rules: string, port: number): boolean {
  return rules.split('\n').some((line) => {
    const [action = '', protocol = '', ports = ''] = line.replace('### tuple ### ', '').split(' ');
    if (!line.startsWith('### tuple ### ') || action !== 'allow') return false;
    return (protocol === 'tcp' || protocol === 'any') && portsHold(ports, port);
  });
}

/** `any`, or ports and ranges: `22,47000:48000`. */
function portsHold(ports: string, port: number): boolean {
  if (ports === 'any') return true;
  return ports.split(',').some((range) => {
    const [first = '', last = first] = range.split(':');
    return port >= Number(first) && port <= Number(last) && first !== '';
  });
}

/** How a program ended. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
}

/** `firewall-cmd --query-port=…`: 0 and yes, 1 and no, anything else when it does not run or does not say. */
export function firewalld(ended: Ended | undefined): FirewallFacts | undefined {
  if (ended === undefined || ended.status === FIREWALLD_NOT_RUNNING) return undefined;
  const said = ended.stdout.trim();
  if (ended.status === 0 && said === 'yes') return { tool: 'firewalld', passes: 'yes' };
  if (ended.status === 1 && said === 'no') return { tool: 'firewalld', passes: 'no' };
  return { tool: 'firewalld', passes: 'unknown' };
}

const FIREWALLD_NOT_RUNNING = 252;

/** `reg query … /v EnableFirewall`, once for each profile: the words around it are in the language of the system. */
export function windowsFirewall(profiles: readonly (Ended | undefined)[]): FirewallFacts | undefined {
  const isOn = profiles.some((ended) => /\bEnableFirewall\s+REG_DWORD\s+0x1\b/u.test(ended?.stdout ?? ''));
  return isOn ? { tool: 'windows', passes: 'unknown' } : undefined;
}

/** `socketfilterfw --getglobalstate`: 1 lets programs in by a list, 2 lets none in. */
export function macFirewall(ended: Ended | undefined): FirewallFacts | undefined {
  const state = /\(State = (\d)\)/u.exec(ended?.stdout ?? '')?.[1];
  if (state === '1') return { tool: 'macos', passes: 'unknown' };
  return state === '2' ? { tool: 'macos', passes: 'no' } : undefined;
}
