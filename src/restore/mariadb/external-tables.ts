import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A table that lay outside of the source's data directory (DATA DIRECTORY). */
export interface ExternalTable {
  /** `db/t`: where its file is in the backup. */
  table: string;
  /** Where it was on the source. */
  sourcePath: string;
}

export function externalTables(directory: string): ExternalTable[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(directory, name)).map((file) => `${name}/${file}`))
    .filter((member) => member.endsWith('.isl'))
    .map((member) => ({
      table: member.slice(0, -'.isl'.length),
      sourcePath: readFileSync(join(directory, member), 'utf8').trim(),
    }));
}

/** Drops the links, so that the server takes the files that lie in the data directory itself. */
export function dropLinks(directory: string, tables: readonly ExternalTable[]): void {
  for (const { table } of tables) {
    const file = join(directory, table);
    if (existsSync(`${file}.ibd`)) rmSync(`${file}.isl`);
  }
}
