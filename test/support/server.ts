// A throw-away MariaDB or MySQL server: own data directory, own socket, gone when the test ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

import { baseOptions } from './base-options.ts';
import { defaultProduct, findProgram, flavourOf, type Product } from './programs.ts';
import { guard, killHard, scratchDir, unguard } from './scratch.ts';
import { tellWhenStuck } from './tell-when-stuck.ts';
import { freshDatadir } from './template.ts';

export interface ServerOptions {
  /** Part of the folder's name; tells servers apart in a listing of processes. */
  readonly name: string;
  /** Which server; MariaDB 10.11 by default. */
  readonly product?: Product;
  /** More options of the server; they come last, so they win over the defaults here. */
  readonly options?: readonly string[];
  /** An existing data directory, for example a restored one; a fresh one otherwise. */
  readonly datadir?: string;
  /** Listen on a free port of 127.0.0.1 as well. */
  readonly tcp?: boolean;
  /** The program to start instead of the product's own, for example one with a keyring. */
  readonly program?: string;
  /** How long the start may take, recovery included; 60 000 ms by default. */
  readonly startMsMax?: number;
}

export type Row = Record<string, unknown>;

export interface TestServer {
  readonly name: string;
  readonly datadir: string;
  readonly socket: string;
  readonly port: number | undefined;
  readonly pid: number;
  readonly product: Product;
  /** True as soon as the process has ended, for whatever reason. */
  readonly stopped: boolean;
  /** True when it has ended and neither stop() nor kill() asked for it. */
  readonly crashed: boolean;
  /** All that the server has written to its error log up to now. */
  errorLog(): Promise<string>;
  /** A new connection as root; it ends with the server, which fails its pending statement. */
  connect(options?: { database?: string }): Promise<Connection>;
  /** One statement on the server's own shared connection. */
  query<T extends Row = Row>(sql: string, values?: unknown[]): Promise<T[]>;
  /** A clean shutdown. */
  stop(): Promise<void>;
  /** SIGKILL, as in a crash. */
  kill(): Promise<void>;
}

const running = new Set<TestServer>();

/** Kills every server that this process still runs. */
export async function killAllServers(): Promise<void> {
  await Promise.all(
    [...running].map(async (server) => {
      await server.kill();
    }),
  );
}

// Outside a test file (bench, demo) a hook would turn the program into a test run.
if ((process.argv[1] ?? '').endsWith('.test.js')) {
  after(killAllServers);
  tellWhenStuck(running);
}

const findFreePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port for the server');
  return address.port;
};

const errorCode = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** A server process and its connections; `startServer` waits until it answers. */
class RunningServer implements TestServer {
  readonly name: string;
  readonly datadir: string;
  readonly socket: string;
  readonly port: number | undefined;
  readonly pid: number;
  readonly product: Product;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #logPath: string;
  #shared: Promise<Connection> | undefined;
  #asked = false;

  constructor(process: ChildProcess, place: Place, options: ServerOptions) {
    if (process.pid === undefined) throw new Error(`cannot start ${process.spawnfile}`);
    this.name = options.name;
    this.product = options.product ?? defaultProduct;
    this.datadir = place.datadir;
    this.socket = place.socket;
    this.port = place.port;
    this.pid = process.pid;
    this.#process = process;
    this.#logPath = place.errorLog;
    this.#ended = once(process, 'exit');
    guard(this.pid);
    running.add(this);
    process.once('exit', () => {
      unguard(this.pid);
      running.delete(this);
    });
  }

  get stopped(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  get crashed(): boolean {
    return this.stopped && !this.#asked;
  }

  async errorLog(): Promise<string> {
    try {
      return await readFile(this.#logPath, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return '';
      throw error;
    }
  }

  async connect(options: { database?: string } = {}): Promise<Connection> {
    const connection = await createConnection({
      socketPath: this.socket,
      user: 'root',
      supportBigNumbers: true,
      ...options,
    });
    // Without a listener a server that goes away under an idle connection ends the process.
    connection.on('error', () => undefined);
    return connection;
  }

  async query<T extends Row = Row>(sql: string, values?: unknown[]): Promise<T[]> {
    this.#shared ??= this.connect();
    const connection = await this.#shared;
    const [rows] = await connection.query<RowDataPacket[]>(sql, values);
    return rows as unknown as T[];
  }

  async stop(): Promise<void> {
    if (!this.stopped) {
      this.#asked = true;
      this.#process.ref();
      // MySQL gives every session two seconds to leave.
      void this.#shared?.then(async (shared) => await shared.end()).catch(() => undefined);
      this.#process.kill('SIGTERM');
      await this.#ended;
    }
    if (this.#process.exitCode !== 0) {
      throw new Error(`server ${this.name} did not stop cleanly:\n${await this.errorLog()}`);
    }
  }

  async kill(): Promise<void> {
    if (this.stopped) return;
    this.#asked = true;
    this.#process.ref();
    killHard(this.pid);
    await this.#ended;
  }

  /** Resolves when the server answers a query; rejects with its log when it ends before. */
  async untilReady(msMax: number): Promise<void> {
    const deadline = performance.now() + msMax;
    while (!this.stopped) {
      if (existsSync(this.socket)) {
        try {
          await this.query('SELECT 1');
          this.#process.unref();
          return;
        } catch {
          this.#shared = undefined;
        }
      }
      if (performance.now() > deadline) await this.kill();
      else await sleep(20);
    }
    throw new Error(`server ${this.name} did not start:\n${await this.errorLog()}`);
  }
}

interface Place {
  readonly datadir: string;
  readonly socket: string;
  readonly errorLog: string;
  readonly port: number | undefined;
}

/** A free port may be another's by the time that the server binds it. */
const portTries = 3;

/**
 * Starts a server and waits until it answers. Throws with the server's error log when it ends
 * or does not answer in time. The server is killed when the test process ends.
 */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const product = options.product ?? defaultProduct;
  const dir = scratchDir(basename(options.name));
  const datadir = options.datadir ?? join(dir, 'data');
  const given = [...baseOptions(product), ...(options.options ?? [])];
  if (options.datadir === undefined) await freshDatadir(datadir, given, product);
  for (let tries = 1; ; tries += 1) {
    const place: Place = {
      datadir,
      socket: join(dir, 'sock'),
      errorLog: join(dir, 'error.log'),
      port: options.tcp === true ? await findFreePort() : undefined,
    };
    const server = await launch(dir, place, given, options);
    try {
      await server.untilReady(options.startMsMax ?? 60_000);
      return server;
    } catch (error) {
      const isTaken = place.port !== undefined && /Address already in use/u.test(String(error));
      if (!isTaken || tries === portTries) throw error;
    }
  }
}

async function launch(
  dir: string,
  place: Place,
  given: readonly string[],
  options: ServerOptions,
): Promise<RunningServer> {
  const product = options.product ?? defaultProduct;
  const network =
    place.port === undefined
      ? ['--skip-networking']
      : ['--bind-address=127.0.0.1', `--port=${place.port}`];
  const own = flavourOf(product) === 'mysql' ? 'mysqld' : 'mariadbd';
  const child = spawn(
    options.program ?? findProgram(own, product),
    [
      '--no-defaults',
      `--datadir=${place.datadir}`,
      `--socket=${place.socket}`,
      `--pid-file=${join(dir, 'pid')}`,
      `--tmpdir=${dir}`,
      `--log-error=${place.errorLog}`,
      ...network,
      ...given,
    ],
    { stdio: 'ignore', detached: true },
  );
  await once(child, 'spawn');
  return new RunningServer(child, place, options);
}
