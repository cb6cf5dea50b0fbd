import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Tables that lay outside of the source's data directory (DATA DIRECTORY): `db/t`. */
export function externalTables(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(directory, name)).map((file) => `${name}/${file}`))
    .filter((member) => member.endsWith('.isl'))
    .map((member) => member.slice(0, -'.isl'.length));
}

/** Drops the links, so that the server takes the files that lie in the data directory itself. */
export function dropLinks(directory: string, tables: readonly string[]): void {
  for (const table of tables) {
    const file = join(directory, table);
    if (existsSync(`${file}.ibd`)) rmSync(`${file}.isl`);
  }
}
