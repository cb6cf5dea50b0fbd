// Backups of MySQL to do harm to, and what harm there is.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { beginName, decodeBegin, endName, indexName } from '../../formats/archive-record/index.ts';
import { crc32, crc32c } from '../../formats/crc.ts';
import { crc32Checksum, filHeader, filTrailer } from '../../formats/innodb/index.ts';
import { blockTable, checkpointOffsets, encodeCheckpoint } from '../../formats/mysql-redo/index.ts';
import { ArchiveWriter, chunkBytesMax } from '../../src/archive/archive-writer.ts';
import { FileSink } from '../../src/sink/file-sink.ts';
import { findProgram, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import { type FakeServer, fakeServer, lightCopyOf, serverThatSays } from './prepare-support.ts';

export const product: Product = 'mysql-9.7';
export const mysqld = (): string => findProgram('mysqld', product);

export const pageSize = 16_384;
/** Bytes of a redo block, and of the header of a redo log. */
export const blockSize = 512;
export const headerSize = 2048;

export interface Backups {
  /** Extracted from an archive. */
  extracted: string;
  /** Taken a moment later with --target-dir. */
  direct: string;
  /** GTIDs that the first holds. */
  gtids: string;
}

/** Does something while the last row of load_main.busy changes, so that its redo has the page. */
async function whileBusy(server: TestServer, step: () => Promise<void>): Promise<void> {
  const done = new AbortController();
  const change = async (): Promise<void> => {
    while (!done.signal.aborted) {
      await server.query('UPDATE load_main.busy SET n = n + 1 ORDER BY a DESC LIMIT 1');
      await sleep(10);
    }
  };
  const stepping = step().finally(() => {
    done.abort();
  });
  await Promise.all([stepping, change()]);
}

/**
 * Two backups of one server while it is written to, a table that nobody writes to, and one whose
 * last row changes all the time.
 */
export async function takeBackups(server: TestServer): Promise<Backups> {
  const tables = await createSchema(server, { megabytes: 2 });
  await server.query('CREATE TABLE load_main.quiet (a INT PRIMARY KEY, b VARCHAR(500))');
  await server.query("INSERT INTO load_main.quiet VALUES (1, REPEAT('q', 500))");
  await server.query(
    'CREATE TABLE load_main.busy (a INT AUTO_INCREMENT PRIMARY KEY, n INT, b VARCHAR(4000))',
  );
  await server.query(
    'INSERT INTO load_main.busy (n, b) WITH RECURSIVE r (i) AS ' +
      "(SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 300) SELECT 0, REPEAT('b', 4000) FROM r",
  );
  await server.query("CREATE UNDO TABLESPACE extra ADD DATAFILE 'extra.ibu'");
  // Its pages are in the files, and nothing of it in the redo from here on.
  await server.query('FLUSH TABLES load_main.quiet FOR EXPORT');
  await server.query('UNLOCK TABLES');
  await server.query('SELECT innodb_redo_log_sharp_checkpoint()');
  const load = await startLoad(server, tables, { pauseMs: 60, writers: 2 });
  const dir = scratchDir('backup');
  const [archive, extracted, direct] = ['archive', 'files', 'direct'].map((name) =>
    join(dir, name),
  ) as [string, string, string];
  const access = ['--no-defaults', '--user=root', `--socket=${server.socket}`];
  const begun = load.statements();
  while (load.statements() < begun + 50) await server.query('DO 0');
  await whileBusy(server, async () => {
    assertDone(await runTool(['backup', ...access, `--to=${archive}`]));
    assertDone(await runTool(['backup', ...access, `--target-dir=${direct}`]));
  });
  await load.stop();
  assertDone(await runTool(['extract', '--no-defaults', `--from=${archive}`, '-C', extracted]));
  const info = readFileSync(join(extracted, 'xtrabackup_binlog_info'), 'utf8');
  return { extracted, direct, gtids: info.trim().split('\t')[2] ?? '' };
}

/** The redo log of a backup. */
export const redoOf = (directory: string): string => join(directory, 'xtrabackup_logfile');

/** Where the block in the middle of the redo log begins. */
export const middleBlockOf = (directory: string): number => {
  const blocks = (statSync(redoOf(directory)).size - headerSize) / blockSize;
  assert.ok(blocks >= 3, `the redo log has ${blocks} blocks`);
  return headerSize + blockSize * Math.floor(blocks / 2);
};

/**
 * A copy that is quickly made of links: a file of it may be replaced but not written to, except
 * for the redo log, which prepare writes to. Not for a real server.
 */
export function linkedCopyOf(directory: string): string {
  const copy = lightCopyOf(directory);
  edit(redoOf(copy), () => undefined);
  return copy;
}

/** A copy that may be written to. */
export function fullCopyOf(directory: string): string {
  const copy = join(scratchDir('copy'), 'files');
  execFileSync('cp', ['-r', '--reflink=auto', directory, copy]);
  return copy;
}

/** They come anew. */
const records = [beginName, indexName, endName];

/** An archive that is whole, whatever is in the directory. */
export async function pack(directory: string): Promise<string> {
  const path = join(scratchDir('packed'), 'archive');
  const begin = decodeBegin(readFileSync(join(directory, beginName)));
  const archive = await ArchiveWriter.begin(await FileSink.create(path), begin);
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = join(directory, name);
    if (records.includes(name) || !statSync(file).isFile()) continue;
    const [member, bytes] = [archive.open({ path: name }), readFileSync(file)];
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      const chunk = bytes.subarray(at, at + chunkBytesMax);
      await member.write(chunk, crc32(chunk));
    }
    await member.close();
  }
  await archive.finish();
  return path;
}

/** A server of this version that recovers what is in these lines. */
export function fakeMysqld(version: string, ...lines: string[]): FakeServer {
  return fakeServer(
    serverThatSays(...lines),
    `echo 'mysqld  Ver ${version} for Linux on x86_64 (MySQL Community Server - GPL)'`,
  );
}

/** Starts a server of MySQL on a directory that was prepared. */
export async function startOn(datadir: string): Promise<TestServer> {
  return await startServer({ name: 'restored', product, datadir });
}

/** Puts another file in the place of one, so that what it was linked to stays. */
export function replace(path: string, bytes: Uint8Array): void {
  rmSync(path);
  writeFileSync(path, bytes);
}

export function edit(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  replace(path, bytes);
}

/** Makes a file longer, or shorter for a negative number. */
export function resize(path: string, by: number): void {
  const bytes = readFileSync(path);
  replace(path, by < 0 ? bytes.subarray(0, by) : Buffer.concat([bytes, Buffer.alloc(by)]));
}

export const flip = (path: string, offset: number): void => {
  edit(path, (bytes) => {
    assert.ok(offset < bytes.length, `${path} has no byte ${offset}`);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  });
};

/** Changes the LSN of a page and makes its checksums right again. */
export function setPageLsn(path: string, page: number, lsn: number): void {
  edit(path, (bytes) => {
    const one = bytes.subarray(page * pageSize, (page + 1) * pageSize);
    const trailer = pageSize - filTrailer.size;
    one.writeBigUInt64BE(BigInt(lsn), filHeader.offset.lsn);
    one.writeUInt32BE(lsn % 2 ** 32, trailer + filTrailer.offset.lsnLow);
    const checksum = crc32Checksum(one);
    one.writeUInt32BE(checksum, filHeader.offset.checksum);
    one.writeUInt32BE(checksum, trailer + filTrailer.offset.checksum);
  });
}

/** Corrects the checksum of the redo block, or header block, at `offset`. */
export function fixBlock(bytes: Buffer, offset: number): void {
  const at = offset + blockTable.offset.crc;
  bytes.writeUInt32BE(crc32c(bytes.subarray(offset, at)), at);
}

/** Has the redo log's header name other LSNs, with right checksums. */
export function setLogHeader(
  path: string,
  { startLsn, checkpointLsn }: { startLsn?: number; checkpointLsn?: number },
): void {
  edit(path, (bytes) => {
    if (startLsn !== undefined) {
      bytes.writeBigUInt64BE(BigInt(startLsn), 8);
      fixBlock(bytes, 0);
    }
    for (const at of checkpointLsn === undefined ? [] : checkpointOffsets) {
      bytes.set(encodeCheckpoint(checkpointLsn ?? 0), at);
    }
  });
}
