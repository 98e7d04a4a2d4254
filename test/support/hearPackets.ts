/**
 * Prints each packet of Multicast DNS that comes in, in hexadecimal: what anybody on the network hears. It runs as a
 * program of its own, on a machine of {@link Network}.
 */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';

for (const family of ['IPv4', 'IPv6'] as const) {
  const own = networkInterfaces()['eth0']?.find((each) => each.family === family);
  if (own === undefined) continue;
  const socket = createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    reuseAddr: true,
    ipv6Only: family === 'IPv6',
  });
  socket.on('message', (bytes) => process.stdout.write(`${bytes.toString('hex')}\n`));
  socket.bind({ port: 5353, exclusive: true }, () => {
    if (family === 'IPv4') socket.addMembership('224.0.0.251', own.address);
    else socket.addMembership('ff02::fb', '::%eth0');
    process.stdout.write('listening\n');
  });
}
