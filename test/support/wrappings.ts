/** Ways to run a program in surroundings that are harder than usual. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Turns a command into one that runs it in other surroundings; the process id stays that of the command. */
export type Wrapping = (command: readonly string[]) => readonly string[];

const isRoot = process.getuid?.() === 0;

/** Permissions count: root keeps its user id and loses what lets it read and write everything. */
export const unprivileged: Wrapping = (command) =>
  isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...command] : command;

/**
 * In a mount namespace of its own, with a tmpfs of these options (`size=1m`) over `folder`. It goes when
 * the program ends; until then {@link insideOf} leads there. Whoever is not root needs user namespaces.
 */
export function smallDisk(folder: string, options: string): Wrapping {
  return mounting('mount -t tmpfs -o "$0" tmpfs "$1"', options, folder);
}

/** In a mount namespace of its own, with the folder `disk` mounted over `folder`. */
export function mounted(disk: string, folder: string): Wrapping {
  return mounting('mount --bind "$0" "$1"', disk, folder);
}

function mounting(script: string, first: string, folder: string): Wrapping {
  const namespaces = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const whole = `${script} && shift && exec "$@"`;
  return (command) => ['unshare', ...namespaces, 'sh', '-c', whole, first, folder, ...command];
}

/** Runs a command, `mount` say, among the mounts of a process that {@link smallDisk} or {@link mounted} started. */
export function runInside(pid: number, command: readonly string[]): void {
  const namespaces = isRoot ? ['--mount'] : ['--user', '--preserve-credentials', '--mount'];
  execFileSync('nsenter', ['--target', String(pid), ...namespaces, ...command]);
}

const probe = smallDisk('/tmp', 'size=1m')(['true']);
/** Whether this machine lets us mount: root may, and others where user namespaces are allowed. */
export const canMount = spawnSync(probe[0] ?? '', probe.slice(1)).status === 0;

/** A folder as the process sees it. */
export function insideOf(pid: number, folder: string): string {
  return `/proc/${pid}/root${folder}`;
}

/** With its standard output on a disk that is full. Linux only. */
export const intoFullDisk: Wrapping = (command) => ['sh', '-c', 'exec "$@" > /dev/full', '-', ...command];

/** On a pseudo-terminal 100 columns wide. The process id is that of `script`, which ends as the command does. */
export const onTerminal: Wrapping = (command) => {
  const line = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return [
    'script',
    '--quiet',
    '--return',
    '--command',
    `stty columns 100 rows 30; exec ${line}`,
    '/dev/null',
  ];
};
