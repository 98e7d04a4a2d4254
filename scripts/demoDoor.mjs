/*
 * A door before a VS Code server for people who come with a browser of their own. VS Code's page keeps an
 * extension's secrets encrypted with a key of which the server holds one half, and asks for it at /mint-key;
 * the bare server answers 404, and every secret, the identity of the device among them, would be lost with a
 * reload. The door answers that one question and passes on all else.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/**
 * Opens a door on this machine; it lives as long as the process. Returns its origin.
 *
 * @param {string} authority `host:port` of the server
 * @returns {Promise<string>}
 */
export async function openDoor(authority) {
  const [host = '', port = ''] = authority.split(':');
  const target = { host, port: Number(port) };
  const keyHalf = randomBytes(32);
  const door = createServer((question, answer) => {
    if (question.url === '/mint-key') {
      answer.end(keyHalf);
      return;
    }
    const { method, url, headers } = question;
    const onward = request({ ...target, method, path: url, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    question.pipe(onward);
  });
  door.on('upgrade', ({ method, url, rawHeaders }, client, first) => {
    const server = connect(target);
    for (const end of [client, server]) {
      end.on('error', () => undefined);
      end.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
    server.write(`${lines.join('\r\n')}\r\n\r\n`);
    server.write(first);
    client.pipe(server).pipe(client);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const address = door.address();
  if (address === null || typeof address === 'string') throw new Error('This machine has no free port.');
  return `http://127.0.0.1:${address.port}`;
}
