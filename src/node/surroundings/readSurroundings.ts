import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import type { FirewallFacts, RemoteKind, Surroundings, WslFacts } from '../../doctor/facts.ts';
import {
  containerKind,
  firewalld,
  macFirewall,
  ufw,
  windowsFirewall,
  wslNetworking,
  wslVersion,
} from '../../doctor/signs.ts';
import { runReadOnly } from './runReadOnly.ts';

export interface SurroundingsInit {
  readonly port: number;
  /** What only the caller knows. */
  readonly remote: RemoteKind | undefined;
  readonly signal: AbortSignal;
}

/**
 * Looks around: Windows around Linux, a container, a firewall. It reads files that all may read, and runs programs
 * that only show something, by their absolute names; nothing needs special rights and nothing is changed.
 */
export async function readSurroundings({ port, remote, signal }: SurroundingsInit): Promise<Surroundings> {
  const isLinux = process.platform === 'linux';
  return {
    wsl: isLinux ? await readWsl(signal) : undefined,
    container: isLinux
      ? containerKind({
          hasDockerMark: existsSync('/.dockerenv'),
          hasPodmanMark: existsSync('/run/.containerenv'),
          groups: readText('/proc/1/cgroup') ?? '',
        })
      : undefined,
    remote,
    firewalls: (await readFirewalls(port, signal)).filter((each) => each !== undefined),
  };
}

async function readWsl(signal: AbortSignal): Promise<WslFacts | undefined> {
  const version = wslVersion(readText('/proc/sys/kernel/osrelease') ?? release());
  if (version === undefined) return undefined;
  const ended = await runReadOnly(['/usr/bin/wslinfo', '--networking-mode'], { signal });
  return { version, networking: wslNetworking(ended?.stdout, Object.keys(networkInterfaces())) };
}

async function readFirewalls(
  port: number,
  signal: AbortSignal,
): Promise<readonly (FirewallFacts | undefined)[]> {
  switch (process.platform) {
    case 'win32': {
      const program = join(process.env['SystemRoot'] ?? String.raw`C:\Windows`, 'System32', 'reg.exe');
      const query = (profile: string) =>
        runReadOnly([program, 'query', `${WINDOWS_PROFILES}\\${profile}`, '/v', 'EnableFirewall'], {
          signal,
        });
      return [windowsFirewall(await Promise.all([query('StandardProfile'), query('PublicProfile')]))];
    }
    case 'darwin':
      return [macFirewall(await runReadOnly([SOCKET_FILTER, '--getglobalstate'], { signal }))];
    case 'linux':
      return [
        ufw(readText('/etc/ufw/ufw.conf'), readText('/etc/ufw/user.rules'), port),
        firewalld(await runReadOnly(['/usr/bin/firewall-cmd', `--query-port=${port}/tcp`], { signal })),
        // What its rules are, only root may see.
        existsSync('/etc/systemd/system/sysinit.target.wants/nftables.service')
          ? { tool: 'nftables', passes: 'unknown' }
          : undefined,
      ];
    default:
      return [];
  }
}

const SOCKET_FILTER = '/usr/libexec/ApplicationFirewall/socketfilterfw';
const WINDOWS_PROFILES = String.raw`HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy`;

/** A file of the system; absent if it is not there, or not for us. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
