/** The programs that are timed side by side, as data: what each is called with on both sides. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Side } from './paths.ts';

/** One transfer: what, from where to where. */
export interface Setting {
  /** A file or a folder. */
  readonly source: string;
  /** Of all its files. */
  readonly bytes: number;
  /** A folder that is there. */
  readonly destination: string;
  /** Whether the destination holds an older version, which the new one replaces. */
  readonly isAgain: boolean;
  readonly host: string;
  readonly port: number;
  /** An empty folder for this transfer alone. */
  readonly work: string;
  /** Holds `host`, `id` and `authorized`: the keys of a server and a user. */
  readonly keys: string;
}

export interface Step {
  readonly side: Side;
  readonly words: readonly string[];
}

export interface Plan {
  /** Started first; time begins when the port is listened on. Ended when the transfer is over. */
  readonly servers: readonly Step[];
  /** Whether the servers end by themselves, and the transfer is not over before. */
  readonly endsWithServers?: boolean;
  /** Started together; the transfer is over when all have ended, each with status 0. */
  readonly transfer: readonly Step[];
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** Programs that have to be installed. */
  readonly needs: readonly string[];
  /** How a version is asked for: the first line with a digit is the answer. */
  readonly version: readonly string[];
  /** Whether it sends files at all, and not only shows what the path can carry. */
  readonly sendsFiles: boolean;
  /** Whether it can do more than sending everything again. */
  readonly updates: boolean;
  /** Writes what has to be there, and says what to run. */
  readonly plan: (setting: Setting) => Plan;
}

const IN_ORDER = 'socat -u TCP-LISTEN:"$1",bind="$2",reuseaddr - | zstd -dc | tar -xf - -C "$3"';
const OUT_ORDER = 'tar -cf - -C "$3" "$4" | zstd -1 -c | socat -u - TCP:"$2":"$1"';

/** All but ours. */
export const PEERS: readonly Tool[] = [
  {
    name: 'iperf3',
    title: 'iperf3 (no files)',
    needs: ['iperf3'],
    version: ['iperf3', '--version'],
    sendsFiles: false,
    updates: false,
    // Backwards (-R), on a path that is the same both ways: whoever receives counts the bytes. A sender would be done
    // when the last of them are in the system's buffers.
    plan: ({ bytes, host, port }) => ({
      servers: [receive('iperf3', '-s', '-1', '-p', String(port), '-B', host)],
      transfer: [send('iperf3', '-R', '-c', host, '-p', String(port), '-n', String(bytes))],
    }),
  },
  {
    name: 'scp',
    title: 'scp',
    needs: ['sshd', 'scp', 'ssh-keygen'],
    version: ['ssh', '-V'],
    sendsFiles: true,
    updates: false,
    plan: (setting) => ({
      servers: [sshServer(setting)],
      transfer: [
        send(
          'scp',
          '-q',
          '-r',
          '-P',
          String(setting.port),
          ...sshOptions(setting),
          setting.source,
          remote(setting),
        ),
      ],
    }),
  },
  rsyncOverSsh('rsync-ssh', 'rsync over ssh', []),
  rsyncOverSsh('rsync-ssh-z', 'rsync -z over ssh', ['-z']),
  {
    name: 'rsync-daemon',
    title: 'rsync daemon (clear text)',
    needs: ['rsync'],
    version: ['rsync', '--version'],
    sendsFiles: true,
    updates: true,
    plan: ({ source, destination, host, port, work }) => {
      const configuration = join(work, 'rsyncd.conf');
      const { username } = userInfo();
      writeFileSync(
        configuration,
        `port = ${port}\naddress = ${host}\nuse chroot = no\nuid = ${username}\n[bench]\npath = ${destination}\nread only = no\n`,
      );
      return {
        servers: [receive('rsync', '--daemon', '--no-detach', `--config=${configuration}`)],
        transfer: [send('rsync', '-a', source, `rsync://${host}:${port}/bench/`)],
      };
    },
  },
  {
    name: 'tar-zstd',
    title: 'tar, zstd and TCP (clear text)',
    needs: ['tar', 'zstd', 'socat'],
    version: ['zstd', '--version'],
    sendsFiles: true,
    updates: false,
    plan: ({ source, destination, host, port }) => ({
      servers: [receive('sh', '-c', IN_ORDER, 'sh', String(port), host, destination)],
      endsWithServers: true,
      transfer: [send('sh', '-c', OUT_ORDER, 'sh', String(port), host, dirname(source), basename(source))],
    }),
  },
  {
    name: 'wormhole',
    title: 'magic-wormhole',
    needs: ['wormhole', 'twistd3'],
    version: ['wormhole', '--version'],
    sendsFiles: true,
    updates: false,
    plan: ({ source, destination, host, port, work }) => {
      const server = ['wormhole', `--relay-url=ws://${host}:${port}/v1`, '--transit-helper='];
      const code = `${port}-side-by-side`;
      const databases = ['channel', 'usage'].map((name) => `--${name}-db=${join(work, `${name}.sqlite`)}`);
      const endpoint = `--port=tcp:${port}:interface=${host}`;
      return {
        servers: [
          receive('twistd3', '-n', '--pidfile=', '-d', work, 'wormhole-mailbox', endpoint, ...databases),
        ],
        transfer: [
          receive(...server, 'receive', '--accept-file', '-o', join(destination, basename(source)), code),
          send(...server, 'send', '--hide-progress', '--code', code, source),
        ],
      };
    },
  },
];

function rsyncOverSsh(name: string, title: string, words: readonly string[]): Tool {
  return {
    name,
    title,
    needs: ['rsync', 'sshd', 'ssh', 'ssh-keygen'],
    version: ['rsync', '--version'],
    sendsFiles: true,
    updates: true,
    plan: (setting) => {
      const ssh = ['ssh', '-p', String(setting.port), ...sshOptions(setting)].join(' ');
      return {
        servers: [sshServer(setting)],
        transfer: [send('rsync', '-a', ...words, '-e', ssh, setting.source, remote(setting))],
      };
    },
  };
}

/** A server of our own, with keys of its own: nothing of the machine's is read or changed. */
function sshServer({ host, port, work, keys }: Setting): Step {
  const configuration = join(work, 'sshd.conf');
  const lines = [
    `Port ${port}`,
    `ListenAddress ${host}`,
    `HostKey ${join(keys, 'host')}`,
    `AuthorizedKeysFile ${join(keys, 'authorized')}`,
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'UsePAM no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(configuration, `${lines.join('\n')}\n`);
  // sshd will not start without this folder, which the system's service makes.
  mkdirSync('/run/sshd', { recursive: true });
  // It starts itself again by its own path, so that has to be whole.
  return receive('/usr/sbin/sshd', '-D', '-f', configuration);
}

function sshOptions({ keys }: Setting): readonly string[] {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  return ['-F', '/dev/null', ...options.flatMap((option) => ['-o', option]), '-i', join(keys, 'id')];
}

function remote({ host, destination }: Setting): string {
  return `${userInfo().username}@${host}:${destination}/`;
}

export function receive(...words: readonly string[]): Step {
  return { side: 'receiver', words };
}

export function send(...words: readonly string[]): Step {
  return { side: 'sender', words };
}
