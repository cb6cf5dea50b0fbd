// Where the server's redo log stands on its way round.

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { dialectOf } from './dialect.ts';
import { currentLsn } from './load.ts';
import { flavourOf } from './programs.ts';
import type { TestServer } from './server.ts';

// MariaDB 10.8+: three blocks of 4096 bytes, then the log; the first LSN is at byte 8.
const headerSize = 12_288;
const firstLsnOffset = 8;

/**
 * How often the log has gone round; the fraction is the place in it. 2.97 means: about to wrap
 * for the third time. MariaDB counts from when its one file was made. MySQL writes to ever new
 * files, and a turn is as much as they hold together: what was in any of them one turn ago is gone.
 */
export async function redoTurns(server: TestServer): Promise<number> {
  if (flavourOf(server.product) === 'mysql') {
    const variable = dialectOf(server).redoCapacity;
    const [row] = await server.query(`SELECT @@${variable} AS bytes`);
    return (await currentLsn(server)) / Number(row?.['bytes']);
  }
  const file = await open(join(server.datadir, 'ib_logfile0'));
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, firstLsnOffset);
    const { size } = await file.stat();
    const firstLsn = Number(buffer.readBigUInt64BE());
    return ((await currentLsn(server)) - firstLsn) / (size - headerSize);
  } finally {
    await file.close();
  }
}

/**
 * How many redo files MySQL has consumed since its data directory was made: the number in the
 * name of the oldest one it still has.
 */
export async function redoFilesConsumed(server: TestServer): Promise<number> {
  const names = await readdir(join(server.datadir, '#innodb_redo'));
  const inUse = names.filter((name) => /^#ib_redo\d+$/u.test(name));
  return Math.min(...inUse.map((name) => Number(name.slice('#ib_redo'.length))));
}
