/** Ways to run a program in surroundings that are harder than usual. */

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
  const script = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"';
  const namespaces = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  return (command) => ['unshare', ...namespaces, 'sh', '-c', script, options, folder, ...command];
}

/** A folder as the process sees it. */
export function insideOf(pid: number, folder: string): string {
  return `/proc/${pid}/root${folder}`;
}

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
