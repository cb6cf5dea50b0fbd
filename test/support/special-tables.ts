// Tables whose engine or place needs more than an option: of fewer columns, merged, outside of
// the data directory.

import { join } from 'node:path';

import { type Dialect, quote } from './dialect.ts';
import { type LoadTable, tableTraits } from './load-table.ts';
import type { Flavour } from './programs.ts';
import { mainDatabase, type TableSpec } from './table-specs.ts';

export interface Special {
  readonly table: LoadTable;
  /** What makes it, one statement after the other. */
  readonly sql: readonly string[];
  /** It exists only where the server has this engine. */
  readonly engine: string;
}

const main = (table: string): string => `${quote(mainDatabase)}.${quote(table)}`;

const special = (
  dialect: Dialect,
  { engine, ...spec }: { table: string; columns?: string; engine: string; options?: string },
  traits: Partial<LoadTable> = {},
): Special => {
  const { table, columns = 'k INT NOT NULL, a VARCHAR(300) NOT NULL, b BLOB', options = '' } = spec;
  const base = tableTraits(dialect, mainDatabase);
  return {
    table: { ...base, name: main(table), indexed: false, rowBytes: 300, ...traits },
    sql: [`CREATE TABLE ${main(table)} (${columns}) ENGINE=${engine} ${options}`],
    engine,
  };
};

/** Rows come in through the merged table and go into the newest of its parts. */
const merged = (dialect: Dialect): Special => {
  const traits = { insertOnly: true };
  const parts = ['merged_1', 'merged_2'].map((table) =>
    special(dialect, { table, engine: 'MyISAM' }, traits),
  );
  const names = parts.map(({ table }) => table.name).join(', ');
  const options = `UNION=(${names}) INSERT_METHOD=LAST`;
  const whole = special(dialect, { table: 'merged', engine: 'MRG_MYISAM', options }, traits);
  return { ...whole, sql: [...parts.flatMap(({ sql }) => sql), ...whole.sql] };
};

/** The tables of engines that are no InnoDB and have no keys. */
export function specialTables(dialect: Dialect): Special[] {
  const columns = 'k INT NOT NULL, a VARCHAR(300) NOT NULL, b VARCHAR(1000) NOT NULL';
  return [
    special(dialect, { table: 'csv', engine: 'CSV', columns }),
    special(dialect, { table: 'archive', engine: 'ARCHIVE' }, { insertOnly: true }),
    merged(dialect),
  ];
}

/** Tables whose files are in the folder. */
export const outsideSpecs = (flavour: Flavour, folder: string): TableSpec[] => [
  { table: 'in_folder', options: `ENGINE=InnoDB DATA DIRECTORY='${folder}'` },
  ...(flavour === 'mysql'
    ? [{ table: 'in_outside', options: 'ENGINE=InnoDB TABLESPACE general_outside' }]
    : []),
];

/** The tablespaces that the tables and the options ask for: MySQL alone has them. */
export function tablespaces(
  flavour: Flavour,
  options: { elsewhere?: string; undoElsewhere?: boolean; encrypted?: boolean },
): string[] {
  if (flavour === 'mariadb') return [];
  const general = (name: string, folder: string): string =>
    `CREATE TABLESPACE ${name} ADD DATAFILE '${join(folder, `${name}.ibd`)}'`;
  const made = [general('general_inside', '')];
  if (options.encrypted) made.push(`${general('general_secret', '')} ENCRYPTION='Y'`);
  if (options.elsewhere === undefined) return made;
  made.push(general('general_outside', options.elsewhere));
  if (options.undoElsewhere) {
    const file = join(options.elsewhere, 'undo_outside.ibu');
    made.push(`CREATE UNDO TABLESPACE undo_outside ADD DATAFILE '${file}'`);
  }
  return made;
}
