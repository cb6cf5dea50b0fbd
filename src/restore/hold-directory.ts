import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { BackupError, hasCode } from '../errors.ts';

/**
 * Runs `work` on a directory as the only process that does so. What holds it is a socket of the
 * kernel's abstract names, which goes with its process however that ends. It does not hold where the
 * other process is in a network namespace of its own, or on another host.
 */
export async function holdDirectory<T>(path: string, work: () => Promise<T>): Promise<T> {
  const found = statSync(path, { throwIfNoEntry: false });
  // Whoever wants to work in it will say what is missing.
  if (!found) return await work();
  const server = createServer();
  server.listen(`\0xbpipe ${found.dev}:${found.ino}`);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    throw new BackupError('storage', `another xbpipe is at work in ${path}`, {
      hint: 'wait for it: what it does goes on without a terminal',
      where: { path },
    });
  }
  try {
    return await work();
  } finally {
    server.close();
  }
}
