// A server whose answer to one statement comes late: what happens meanwhile happens at a known
// place between two statements of the tool.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';

import { scratchDir } from './scratch.ts';
import type { TestServer } from './server.ts';

/** The server, reached over a socket that keeps answers back. */
export interface SlowServer {
  readonly socket: string;
  /** Statements so far that matched, over all connections. */
  count(statement: RegExp): number;
}

/**
 * Passes on all that clients of the server send. The answer to a statement that matches `late`
 * waits for `until`. Connections must not be encrypted.
 */
export async function answerLate(
  server: TestServer,
  late: RegExp,
  until: (slow: SlowServer) => Promise<void>,
): Promise<SlowServer> {
  const socket = join(scratchDir('slow'), 'sock');
  const sent: string[] = [];
  const slow: SlowServer = {
    socket,
    count: (statement) => sent.filter((text) => statement.test(text)).length,
  };
  const listener = createServer((client) => {
    const upstream = connect(server.socket);
    let answers: Promise<unknown> = Promise.resolve();
    client.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      sent.push(text);
      if (late.test(text)) answers = until(slow);
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      answers = answers.then(() => client.write(bytes));
    });
    endTogether(client, upstream);
  });
  listener.listen(socket);
  await once(listener, 'listening');
  after(() => listener.close());
  return slow;
}

function endTogether(...sockets: [Socket, Socket]): void {
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const other of sockets) other.destroy();
    });
  }
}
