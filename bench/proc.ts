/** What Linux tells about processes under /proc. What is gone reads as nothing. */
import { readFileSync } from 'node:fs';

/** Of the kernel's unit of processor time, USER_HZ: the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The processor seconds of all children that have ended and were waited for, and of theirs. */
export function endedChildrenSeconds(): number {
  // The command's name, in brackets, may hold anything; cutime and cstime are the 14th and 15th words after it.
  const words = read('/proc/self/stat')
    .replace(/^.*\) /su, '')
    .split(' ');
  return (Number(words[13]) + Number(words[14])) / TICKS_PER_SECOND;
}

/** The most resident memory that a process has had; 0 if it is gone. */
export function peakBytesOf(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/mu.exec(read(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

/** A process and all that it has started, as far as they live. */
export function familyOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

/** Whether somebody listens on a TCP port in the network namespace of a process. */
export function isListening(pid: number, port: number): boolean {
  const wanted = new RegExp(
    `^\\s*\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A `,
    'mu',
  );
  return ['tcp', 'tcp6'].some((table) => wanted.test(read(`/proc/${pid}/net/${table}`)));
}

/** The bytes that have passed a network interface in both directions, in the namespace of a process. */
export function interfaceBytes(pid: number, name: string): number {
  const line = read(`/proc/${pid}/net/dev`)
    .split('\n')
    .find((each) => each.trim().startsWith(`${name}:`));
  const figures = line?.replace(/^.*:/u, '').trim().split(/\s+/u).map(Number) ?? [];
  return (figures[0] ?? 0) + (figures[8] ?? 0);
}

export function isAlive(pid: number): boolean {
  return read(`/proc/${pid}/stat`) !== '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
