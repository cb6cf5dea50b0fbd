// The databases of the workload, with stored code and their first rows. Which tables there are,
// say table-specs.ts and special-tables.ts.

import { dialectOf, quote } from './dialect.ts';
import { insertRows, type LoadTable } from './load-table.ts';
import { flavourOf } from './programs.ts';
import type { TestServer } from './server.ts';
import { outsideSpecs, specialTables, tablespaces } from './special-tables.ts';
import { define, encryptedSpecs, mainDatabase, oddDatabase, tableSpecs } from './table-specs.ts';

export { quote } from './dialect.ts';
export { insertRows, type LoadTable, payload } from './load-table.ts';
export { mainDatabase, oddDatabase } from './table-specs.ts';

export interface SchemaOptions {
  /** Total payload of the rows at the beginning, spread over the tables; 8 by default. */
  readonly megabytes?: number;
  /** Adds encrypted tables; the server needs a key management plugin or a keyring. */
  readonly encrypted?: boolean;
  /**
   * Adds tables whose files are in this folder, outside of the data directory; MySQL must have
   * it in --innodb-directories.
   */
  readonly elsewhere?: string;
  /** Adds an undo tablespace in `elsewhere` (MySQL). */
  readonly undoElsewhere?: boolean;
  /** Leaves out tables with such options, which not every server takes. */
  readonly without?: RegExp;
}

export const emptyDatabase = 'load_empty';

const hasEngine = async (server: TestServer, engine: string): Promise<boolean> => {
  const sql = "SELECT 1 FROM information_schema.engines WHERE engine = ? AND support <> 'NO'";
  return (await server.query(sql, [engine])).length > 0;
};

/** A trigger on one table that writes to another, a view, routines and an event that waits. */
const storedCode = (): string[] => {
  const main = quote(mainDatabase);
  return [
    `CREATE TABLE ${main}.notes (id INT AUTO_INCREMENT PRIMARY KEY, of_id INT)`,
    `CREATE TRIGGER ${main}.note AFTER INSERT ON ${main}.noted FOR EACH ROW ` +
      'INSERT INTO notes (of_id) VALUES (NEW.id)',
    `CREATE VIEW ${main}.joined AS SELECT d.id, c.a FROM ${main}.r_dynamic d ` +
      `JOIN ${main}.r_compact c USING (id)`,
    // Rows that go because those they belong to go.
    `CREATE TABLE ${main}.children (id INT AUTO_INCREMENT PRIMARY KEY, parent_id INT NOT NULL, ` +
      `FOREIGN KEY (parent_id) REFERENCES ${main}.parents (id) ON DELETE CASCADE) ENGINE=InnoDB`,
    `CREATE TRIGGER ${main}.bear AFTER INSERT ON ${main}.parents FOR EACH ROW ` +
      'INSERT INTO children (parent_id) VALUES (NEW.id), (NEW.id)',
    `CREATE FUNCTION ${main}.next_of (n INT) RETURNS INT DETERMINISTIC RETURN n + 1`,
    `CREATE PROCEDURE ${main}.count_notes () SELECT COUNT(*) FROM ${main}.notes`,
    `CREATE EVENT ${main}.forget ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' ` +
      `DO DELETE FROM ${main}.notes`,
  ];
};

// For transactions that stay open or prepared: no writer comes across their locks.
const heldTable = (): string =>
  `CREATE TABLE ${quote(mainDatabase)}.held ` +
  '(k INT NOT NULL, n INT NOT NULL, b BLOB, PRIMARY KEY (k, n)) ENGINE=InnoDB';

interface Made {
  readonly table: LoadTable;
  readonly sql: readonly string[];
}

const pickTables = async (server: TestServer, options: SchemaOptions): Promise<Made[]> => {
  const [flavour, dialect] = [flavourOf(server.product), dialectOf(server)];
  const specs = [...tableSpecs[flavour]];
  if (options.encrypted === true) specs.push(...encryptedSpecs[flavour]);
  if (options.elsewhere !== undefined) specs.push(...outsideSpecs(flavour, options.elsewhere));
  const made: Made[] = specs
    .filter((spec) => options.without?.test(spec.options) !== true)
    .map((spec) => define(spec, dialect));
  for (const special of specialTables(dialect)) {
    if (await hasEngine(server, special.engine)) made.push(special);
  }
  return made;
};

/**
 * Creates the databases and tables with their first rows, stored code and an empty database,
 * and returns the tables that a load may write to.
 */
export async function createSchema(
  server: TestServer,
  options: SchemaOptions = {},
): Promise<LoadTable[]> {
  for (const database of [mainDatabase, oddDatabase, emptyDatabase]) {
    await server.query(`CREATE DATABASE ${quote(database)} CHARACTER SET utf8mb4`);
  }
  for (const sql of tablespaces(flavourOf(server.product), options)) await server.query(sql);
  const made = await pickTables(server, options);
  for (const sql of made.flatMap((one) => one.sql)) await server.query(sql);
  for (const sql of [...storedCode(), heldTable()]) await server.query(sql);
  const tables = made.map(({ table }) => table);
  const bytesEach = ((options.megabytes ?? 8) * 1_000_000) / tables.length;
  for (const table of tables) {
    const share = table.indexed ? bytesEach : Math.min(bytesEach, 100_000);
    await server.query(insertRows(table, Math.max(1, Math.floor(share / table.rowBytes)), 1));
  }
  return tables;
}
