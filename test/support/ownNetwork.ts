/** Networks of a test's own: namespaces, in which nothing is that the test has not put there. Linux, as root. */
import { spawnSync } from 'node:child_process';
import type { Wrapping } from './wrappings.ts';

/** In a network namespace of its own, in which this shell script has run. It goes when the program ends. */
export function inNetwork(script: string): Wrapping {
  return (command) => ['unshare', '--net', 'sh', '-c', `set -e; ${script}\nexec "$@"`, 'sh', ...command];
}

/** A cable at whose other end nobody is: what is sent to one machine is lost, and of the others nobody knows the way. */
export const LONELY_CABLE = [
  'ip link set lo up',
  'ip link add lan0 type veth peer name end0',
  'ip link set end0 addrgenmode none up',
  'ip link set lan0 up',
  'ip address add 10.77.0.1/24 dev lan0',
  'ip neighbour add 10.77.0.9 lladdr 02:00:00:00:00:09 dev lan0',
].join('; ');

const [probe = '', ...words] = inNetwork(LONELY_CABLE)(['true']);
/** Whether this machine lets us make networks. */
export const canMakeNetworks = spawnSync(probe, words).status === 0;
