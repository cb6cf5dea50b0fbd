// A backup that is held at a place of the test's choice, and what must be true after it failed.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  createWriteStream,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { Connection } from 'mysql2/promise';

import { endName } from '../../formats/archive-record/index.ts';
import { flavourOf } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runTool, startTool, toolEnd, type ToolResult } from '../support/tool.ts';

const run = promisify(execFile);

/** `xbpipe backup` of the server by root, over its socket, telling its story in JSON. */
export function backupArgs(server: TestServer, ...more: string[]): string[] {
  return ['backup', '--no-defaults', '--json', '--user=root', `--socket=${server.socket}`, ...more];
}

/** One line of what the tool says. */
export interface Told {
  readonly type: 'info' | 'warning' | 'progress' | 'error' | 'result';
  readonly message?: string;
  readonly code?: string;
  readonly status?: number;
  readonly hint?: string;
  readonly where?: { readonly path?: string; readonly offset?: number; readonly lsn?: number };
  readonly redoHeadRoom?: {
    readonly bytes: number;
    readonly capacity: number;
    readonly spilledBytes: number;
  };
}

export function parseTold(stderr: string): Told[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told);
}

/** What the tool said last: why it failed. */
export function lastWord(result: ToolResult): Told {
  const last = parseTold(result.stderr).at(-1);
  assert.ok(last, `the tool said nothing:\n${result.stderr}`);
  return last;
}

/** Fails with what the tool said unless it ended with this status and failure code. */
export function assertFailed(result: ToolResult, status: number, code: string): Told {
  assert.equal(result.status, status, result.stderr);
  const last = lastWord(result);
  assert.deepEqual([last.type, last.status, last.code], ['error', status, code], result.stderr);
  return last;
}

/**
 * A backup into a pipe whose other end is ours: nothing is read unless the test says so, and
 * a pipe holds 64 KiB. What is read goes to `archive`.
 */
export class HeldBackup {
  readonly archive = join(scratchDir('held'), 'archive.xbs');
  readonly child: ChildProcess;
  readonly ended: Promise<ToolResult>;
  readonly #pipe: Socket;
  readonly #file = createWriteStream(this.archive);
  #told = '';
  #bytes = 0;
  #allowed = 0;
  #closed = false;

  private constructor(child: ChildProcess, pipe: Socket) {
    this.child = child;
    this.#pipe = pipe;
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#told += bytes.toString();
    });
    this.ended = toolEnd(child);
    pipe.on('data', (bytes: Buffer) => {
      this.#bytes += bytes.length;
      this.#file.write(bytes);
      if (this.#bytes >= this.#allowed) pipe.pause();
    });
    pipe.on('error', () => undefined);
    pipe.on('close', () => {
      this.#closed = true;
    });
  }

  /** Starts it with a pipe that nobody reads yet. */
  static async start(args: string[]): Promise<HeldBackup> {
    const fifo = join(scratchDir('pipe'), 'fifo');
    await run('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    const child = startTool(args, { stdout: writer });
    closeSync(writer);
    rmSync(fifo);
    const pipe = new Socket({ fd: reader, readable: true, writable: false, allowHalfOpen: false });
    pipe.pause();
    return new HeldBackup(child, pipe);
  }

  get told(): Told[] {
    // The last line may not be whole yet.
    return parseTold(this.#told.slice(0, this.#told.lastIndexOf('\n') + 1));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Waits until the tool has said this; fails when it ends before. */
  async untilTold(said: (told: Told) => boolean): Promise<void> {
    while (!this.told.some(said)) await this.#turn();
  }

  /** Reads until this many bytes have come, and no more. */
  async read(bytes: number): Promise<void> {
    this.#allowed = bytes;
    this.#pipe.resume();
    while (this.#bytes < bytes) await this.#turn();
  }

  /** Reads on, little by little, until the tool says this. */
  async readUntilTold(message: RegExp): Promise<void> {
    const said = ({ message: text }: Told): boolean => message.test(text ?? '');
    while (!this.told.some(said)) {
      this.#allowed = this.#bytes + 1;
      this.#pipe.resume();
      await this.#turn();
    }
  }

  /** Reads to the end and waits for the tool's end. */
  async finish(): Promise<ToolResult> {
    this.#allowed = Infinity;
    this.#pipe.resume();
    const result = await this.ended;
    while (!this.#closed) await sleep(5);
    this.#file.end();
    await once(this.#file, 'close');
    return result;
  }

  /** The reader goes away. */
  async hangUp(): Promise<void> {
    this.#pipe.destroy();
    while (!this.#closed) await sleep(5);
  }

  async #turn(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      throw new Error(`the backup ended too early:\n${this.#told}`);
    }
    await sleep(2);
  }
}

/** Waits until a BACKUP STAGE statement waits for what others hold. */
export async function untilWaitsForLock(server: TestServer): Promise<void> {
  const sql =
    "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'BACKUP STAGE%' " +
    "AND state LIKE 'Waiting for%'";
  while ((await server.query(sql)).length === 0) await sleep(5);
}

/**
 * A statement on a MyISAM table that goes on until the returned function ends it: BACKUP STAGE
 * START passes it by, the stages behind that wait for it.
 */
export async function holdLongWrite(
  server: TestServer,
  table: string,
): Promise<() => Promise<void>> {
  const session = await server.connect();
  const [rows] = await session.query('SELECT CONNECTION_ID() AS id');
  const [row] = rows as { id: number }[];
  assert.ok(row);
  const held = session.query(`INSERT INTO ${table} SELECT SLEEP(1000)`).catch(() => undefined);
  const sleeps =
    "SELECT 1 FROM information_schema.processlist WHERE id = ? AND state = 'User sleep'";
  while ((await server.query(sleeps, [row.id])).length === 0) await sleep(5);
  return async () => {
    await server.query(`KILL ${row.id}`);
    await held;
  };
}

/**
 * What every backup must leave behind, however it ended: a server whose backup lock is free
 * and whose commits and DDL go through. The server sees the end of a killed session a moment later.
 */
export async function assertServerFree(server: TestServer): Promise<void> {
  const session = await server.connect();
  await session.query('SET lock_wait_timeout = 10, innodb_lock_wait_timeout = 10');
  if (flavourOf(server.product) === 'mariadb') {
    await session.query('BACKUP STAGE START');
    await session.query('BACKUP STAGE END');
  } else {
    await untilNoConsumer(session);
    await session.query('FLUSH TABLES WITH READ LOCK');
    await session.query('UNLOCK TABLES');
  }
  // Others may hold MySQL's backup lock beside us: that it is free, DDL alone shows.
  await session.query('DROP DATABASE IF EXISTS free_again');
  await session.query('CREATE DATABASE free_again');
  await session.query('CREATE TABLE free_again.t (a INT) ENGINE=InnoDB');
  await session.query('INSERT INTO free_again.t VALUES (1)');
  await session.query('DROP DATABASE free_again');
  await untilNoSession(session);
  await session.end();
}

/** A consumer of the redo log that stays would stall every write of the server some day. */
async function untilNoConsumer(session: Connection): Promise<void> {
  for (let tries = 0; ; tries++) {
    const [rows] = await session.query('SELECT innodb_redo_log_consumer_register() AS refused');
    const [row] = rows as { refused: number }[];
    if (row?.refused === 0) break;
    assert.ok(tries < 500, 'a consumer of the redo log stays');
    await sleep(20);
  }
  await session.query('DO innodb_redo_log_consumer_unregister()');
}

/** No connection of the tool may stay. Its sessions run nothing that ours do not. */
async function untilNoSession(session: Connection): Promise<void> {
  for (let tries = 0; ; tries++) {
    const [rows] = await session.query(
      "SELECT id, info FROM information_schema.processlist WHERE info LIKE 'BACKUP %' OR user = 'xbpipe'",
    );
    if ((rows as unknown[]).length === 0) return;
    assert.ok(tries < 500, `a session stays: ${JSON.stringify(rows)}`);
    await sleep(20);
  }
}

/** The names in a directory; none when there is no such directory. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Nothing that came out of the pipe may pass as a backup. */
export async function assertNoArchive(held: HeldBackup): Promise<void> {
  assert.ok(held.bytes > 0);
  const bytes = readFileSync(held.archive);
  assert.equal(bytes.indexOf(endName), -1, 'there is an end record');
  const target = scratchDir('extracted');
  const result = await runTool(['extract', '--json', `--from=${held.archive}`, '-C', target]);
  // What was in the pipe is lost when the tool gives up: the end, or the middle.
  assert.ok(result.status === 30 || result.status === 31, result.stderr);
  assert.deepEqual(namesIn(target), ['xbpipe-partial']);
}
