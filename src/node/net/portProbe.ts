import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Opening } from '../../doctor/facts.ts';
import { errnoOf } from '../disk/errno.ts';

/** Opens a port for a moment, to see whether it can be; whoever connects just then is sent away. */
export async function tryPort(port: number, host: string | undefined): Promise<Opening> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ port, exclusive: true, ...(host === undefined ? {} : { host }) });
    // Rejects with the error that comes in its place.
    await once(server, 'listening');
  } catch (error) {
    const code = errnoOf(error) ?? '';
    return { outcome: outcomeOf(code), code };
  }
  server.close();
  await once(server, 'close');
  return { outcome: 'free', code: '' };
}

function outcomeOf(code: string): Opening['outcome'] {
  switch (code) {
    case 'EADDRINUSE':
      return 'taken';
    case 'EACCES':
    case 'EPERM':
      return 'forbidden';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no-such-address';
    default:
      return 'failed';
  }
}
