import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Machine } from './figures.ts';
import type { Tool } from './tools.ts';

const TCP_SETTINGS = ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem', 'net.core.rmem_max', 'net.core.wmem_max'];
/** The setting that says where the data lay. */
export const DATA_ON = 'data on';
const PROJECT = resolve(import.meta.dirname, '..');

/** What the figures depend on. */
export function describeMachine(tools: readonly Tool[], scratch: string): Machine {
  const asked = new Map(tools.map(({ version }) => [version.join(' '), version]));
  return {
    processors: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${arch()}`,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    settings: [
      [DATA_ON, fileSystemOf(scratch)],
      ['TCP', 'CUBIC'],
      ...TCP_SETTINGS.map((name): [string, string] => [name, settingOf(name)]),
    ],
    versions: [
      ['node', process.version],
      ...[...asked.values()]
        .filter(([program = '']) => program !== process.execPath && find(program) !== undefined)
        .map((words): [string, string] => [words[0] ?? '', versionOf(words)]),
    ],
  };
}

/** The kind of file system that a folder lies on. */
export function fileSystemOf(folder: string): string {
  return textOf('stat', ['--file-system', '--format=%T', folder]);
}

/** The commit of this checkout, marked if the source differs from it. */
export function commitOf(): string {
  const changes = git('status', '--porcelain', '--', 'src', 'package.json', 'package-lock.json');
  return `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : ' with changes'}`;
}

/** The path of an installed program. */
export function find(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function git(...words: readonly string[]): string {
  return textOf('git', ['-C', PROJECT, ...words]);
}

function versionOf([program = '', ...words]: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  const line = `${stdout}\n${stderr}`.split('\n').find((each) => /\d/u.test(each)) ?? '';
  return line.replaceAll(/\s+/gu, ' ').replaceAll('*', '').trim();
}

function settingOf(name: string): string {
  return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')
    .trim()
    .replaceAll(/\s+/gu, ' ');
}

function textOf(program: string, words: readonly string[]): string {
  return execFileSync(program, words, { encoding: 'utf8' }).trim();
}
