import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError, toBackupError } from '../errors.ts';
import type { ByteSink } from './byte-sink.ts';

/** How long a reader may take for the last bytes when the rest is given up: nothing else empties a socket. */
const lastBytesMs = 1000;

/** A socket: what a parent process in Node or an ssh server hands on as standard output. */
export class SocketSink implements ByteSink {
  readonly name: string;
  readonly #socket: Socket;
  #failure: Error | undefined;

  constructor(name: string, fd: number) {
    this.name = name;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    if (this.#failure) throw this.#broken(this.#failure);
    if (buffers.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const last = buffers.length - 1;
      this.#socket.cork();
      buffers.forEach((buffer, i) => {
        this.#socket.write(buffer, (error) => {
          if (error) reject(this.#broken(error));
          // Destroyed meanwhile, it calls back as if it had written.
          else if (this.#socket.destroyed) reject(new BackupError('storage', 'given up'));
          else if (i === last) resolve();
        });
      });
      this.#socket.uncork();
    });
  }

  async close(): Promise<void> {
    if (this.#failure) throw this.#broken(this.#failure);
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', (error) => {
        reject(this.#broken(error));
      });
      this.#socket.end(resolve);
    });
    this.#socket.destroy();
  }

  async abort(last?: Uint8Array): Promise<void> {
    if (last) {
      const written = this.write([last]).catch(() => undefined);
      await Promise.race([written, sleep(lastBytesMs, undefined, { ref: false })]);
    }
    this.#socket.destroy();
  }

  #broken(error: Error): Error {
    return toBackupError(Object.assign(error, { path: this.name }), 'storage');
  }
}
