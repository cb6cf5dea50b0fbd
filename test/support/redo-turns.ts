// Where the server's redo log stands on its way round its one file.

import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { currentLsn } from './load.ts';
import type { TestServer } from './server.ts';

// MariaDB 10.8+: three blocks of 4096 bytes, then the log; the first LSN is at byte 8.
const headerSize = 12_288;
const firstLsnOffset = 8;

/**
 * How often the log has gone round since its file was made; the fraction is the place in the
 * file. 2.97 means: about to wrap for the third time.
 */
export async function redoTurns(server: TestServer): Promise<number> {
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
