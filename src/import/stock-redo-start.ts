import { FormatError } from '../../formats/format-error.ts';
import { toSafeNumber } from '../../formats/layout.ts';
import * as mariadbRedo from '../../formats/mariadb-redo/index.ts';
import * as mysqlRedo from '../../formats/mysql-redo/index.ts';
import type { Flavour } from '../server/flavour.ts';

/** What a stock tool calls the redo that it copied. */
export const stockRedoNames: Readonly<Record<Flavour, string>> = {
  mariadb: 'ib_logfile0',
  mysql: 'xtrabackup_logfile',
};

/** Bytes from the front of that file that tell where it starts. */
export const stockRedoHeadBytes = mariadbRedo.logPayloadOffset;

/**
 * The checkpoint that the copied redo starts at; undefined in a log that is not understood. The
 * newest checkpoint, which is in the metadata, is later: an increment from there would lack pages.
 */
export function stockRedoStart(head: Uint8Array, flavour: Flavour): number | undefined {
  try {
    if (flavour === 'mysql') {
      return mysqlRedo.decodeCheckpoint(head, mysqlRedo.checkpointOffsets[0]);
    }
    const { firstLsn } = mariadbRedo.decodeLogHeader(head);
    const newest = mariadbRedo.newestCheckpoint(head, firstLsn);
    return newest && toSafeNumber(newest.checkpointLsn, 'LSN', 0);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
