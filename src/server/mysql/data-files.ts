import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BackupError } from '../../errors.ts';
import type { Session } from '../session.ts';
import type { MysqlInfo } from './mysql-info.ts';

/** A data file as the data dictionary knows it; those of the system tablespace are not among them. */
export interface DataFile {
  spaceId: number;
  /** `db/t` for a table of its own, the name of a general or undo tablespace otherwise. */
  tablespace: string;
  /** Absolute. */
  path: string;
  undo: boolean;
}

const notListed = new Set(['innodb_system', 'innodb_temporary']);

/** Wherever they are: the dictionary alone knows files outside of the data directory. */
export async function readDataFiles(session: Session, info: MysqlInfo): Promise<DataFile[]> {
  const spaces = await session.rows(
    'SELECT SPACE AS id, NAME AS name, SPACE_TYPE AS type, STATE AS state ' +
      'FROM information_schema.INNODB_TABLESPACES',
  );
  const files = await session.rows(
    'SELECT TABLESPACE_NAME AS name, FILE_NAME AS path FROM information_schema.FILES ' +
      "WHERE ENGINE = 'InnoDB'",
  );
  const paths = new Map(files.map(({ name, path }) => [String(name), String(path)]));
  return (
    spaces
      .filter(({ name }) => !notListed.has(String(name)))
      // ALTER TABLE ... DISCARD TABLESPACE: the table is there, its file is not.
      .filter(({ state }) => state !== 'discarded')
      .map(({ id, name, type }) => {
        const tablespace = String(name);
        const told = paths.get(tablespace);
        if (told === undefined) throw withoutFile(tablespace);
        const undo = type === 'Undo';
        return { spaceId: Number(id), tablespace, path: placeOf(told, undo, info), undo };
      })
  );
}

/** Until its next start the server leaves out the directory of an undo tablespace that it has made. */
function placeOf(told: string, undo: boolean, { datadir, undoDirectory }: MysqlInfo): string {
  const amongUndo = resolve(undoDirectory, told);
  return undo && existsSync(amongUndo) ? amongUndo : resolve(datadir, told);
}

function withoutFile(tablespace: string): BackupError {
  return new BackupError(
    'failed',
    `information_schema.FILES does not say where the file of tablespace ${tablespace} is`,
  );
}
