// A loop of schema changes beside the load: everything that makes a file appear, vanish or
// take another name while a backup copies it.

import type { Connection } from 'mysql2/promise';

import { type Dialect, dialectOf, hash, quote } from './dialect.ts';
import { explain } from './load.ts';
import { type Flavour, flavourOf } from './programs.ts';
import { type Random, seededRandom } from './random.ts';
import type { TestServer } from './server.ts';
import { mainDatabase } from './table-specs.ts';

export interface DdlOptions {
  readonly seed?: number;
  /**
   * Aria tables created and renamed at once: true by default. mariadb-backup 10.11 loses such
   * a table, so a control run with it wants false.
   */
  readonly ariaRenames?: boolean;
  /**
   * Tables that swap their names, or have another name for a moment: true by default.
   * mariadb-backup --prepare fails on an increment that was copied in the middle of that.
   */
  readonly swaps?: boolean;
  /** Changes to the tables of the load as well; true by default. */
  readonly shared?: boolean;
}

export interface DdlStats {
  readonly statements: number;
  /** Statements refused because of what other sessions did. */
  readonly refused: ReadonlyMap<string, number>;
}

export interface Ddl {
  /** Statements done so far. Throws when the loop has failed. */
  statements(): number;
  /** Ends the loop after its statement. Throws when it ended early. */
  stop(): Promise<DdlStats>;
}

const own = 'ddl_own';
const second = 'ddl_two';
const undo = 'ddl_undo';

const body = 'id INT AUTO_INCREMENT PRIMARY KEY, k INT, a VARCHAR(100), b BLOB';

/** What the scenes are made of on this server. */
interface Parts {
  readonly dialect: Dialect;
  /** The rows of an INSERT. */
  readonly rows: (salt: number) => string;
  /** A new table with rows. */
  readonly make: (name: string, engine: string, salt: number) => string[];
  /** Tables of the load that may lose their rows. */
  readonly emptied: readonly string[];
}

const emptied: Record<Flavour, readonly string[]> = {
  mariadb: ['r_redundant', 'page_compressed', 'aria_plain'],
  mysql: ['r_redundant', 'page_compressed', 'in_general'],
};

const partsFor = (server: TestServer): Parts => {
  const dialect = dialectOf(server);
  const numbers = dialect.numbers(60, own);
  const rows = (salt: number): string =>
    `(k, a, b) SELECT seq + ${salt}, ${hash('seq')}, ` +
    `REPEAT(${hash(`seq * ${salt + 1}`)}, 20) FROM ${numbers}`;
  return {
    dialect,
    rows,
    emptied: emptied[flavourOf(server.product)],
    make: (name, engine, salt) => [
      `CREATE TABLE ${name} (${body}) ENGINE=${engine}`,
      `INSERT INTO ${name} ${rows(salt)}`,
    ],
  };
};

const isSwap = (sql: string): boolean => /^RENAME TABLE (\S+) TO .* TO \1,/u.test(sql);

const swap = (one: string, other: string, between: string): string =>
  `RENAME TABLE ${one} TO ${between}, ${other} TO ${one}, ${between} TO ${other}`;

type Scene = (n: number, random: Random, parts: Parts) => string[];

const innodbScenes: Scene[] = [
  (n, _, { make, rows }) => [
    ...make(`a${n}`, 'InnoDB', n),
    `ALTER TABLE a${n} ADD COLUMN c INT DEFAULT 7, ALGORITHM=INSTANT`,
    `UPDATE a${n} SET c = k WHERE k % 3 = 0`,
    `ALTER TABLE a${n} ADD INDEX by_k (k), ALGORITHM=INPLACE`,
    `ALTER TABLE a${n} MODIFY a VARCHAR(90) CHARACTER SET latin1, ALGORITHM=COPY`,
    `INSERT INTO a${n} ${rows(n + 1)}`,
    `ALTER TABLE a${n} DROP COLUMN c, FORCE, ALGORITHM=INPLACE`,
  ],
  (n, _, { make, rows }) => [
    ...make(`r${n}`, 'InnoDB ROW_FORMAT=COMPRESSED', n),
    `RENAME TABLE r${n} TO r${n}x`,
    `RENAME TABLE r${n}x TO r${n}y, r${n}y TO r${n}z`,
    `INSERT INTO r${n}z ${rows(n)}`,
    `DROP TABLE IF EXISTS final`,
    `RENAME TABLE r${n}z TO final`,
  ],
  (n, _, { make, rows }) => [
    ...make(`s${n}`, 'InnoDB', n),
    ...make(`t${n}`, 'InnoDB', n + 5),
    swap(`s${n}`, `t${n}`, `u${n}`),
    `UPDATE s${n} SET k = k + 1`,
    `RENAME TABLE t${n} TO ${second}.t${n}`,
    `TRUNCATE TABLE s${n}`,
    `INSERT INTO s${n} ${rows(n)}`,
    `DROP TABLE ${second}.t${n}`,
    `OPTIMIZE TABLE s${n}`,
  ],
  (n, _, { dialect, rows }) => [
    ...dialect.replaceTable('replaced', `(${body}) ENGINE=InnoDB ${dialect.pageCompressed}`),
    `INSERT INTO replaced ${rows(n)}`,
    ...dialect.replaceTable('replaced_too', 'ENGINE=InnoDB AS SELECT * FROM replaced'),
    `CREATE OR REPLACE VIEW looked AS SELECT k FROM replaced`,
  ],
  (n, _, { rows }) => [
    `CREATE TABLE p${n} (${body}) ENGINE=InnoDB PARTITION BY RANGE (id) ` +
      '(PARTITION p0 VALUES LESS THAN (30), PARTITION p1 VALUES LESS THAN (1000))',
    `INSERT INTO p${n} ${rows(n)}`,
    `ALTER TABLE p${n} ADD PARTITION (PARTITION p2 VALUES LESS THAN (5000))`,
    `ALTER TABLE p${n} TRUNCATE PARTITION p0`,
    `CREATE TABLE q${n} (${body}) ENGINE=InnoDB`,
    `ALTER TABLE p${n} EXCHANGE PARTITION p1 WITH TABLE q${n}`,
    `ALTER TABLE p${n} REORGANIZE PARTITION p0, p1 INTO (PARTITION p1 VALUES LESS THAN (1000))`,
    `RENAME TABLE p${n} TO pp${n}`,
  ],
  (n, _, { make }) => [
    `CREATE DATABASE ddl_churn${n}`,
    ...make(`ddl_churn${n}.t`, 'InnoDB', n),
    ...make(`ddl_churn${n}.m`, 'MyISAM', n),
    `RENAME TABLE ddl_churn${n}.t TO ddl_churn${n}.u`,
    // Every other one stays.
    `DROP DATABASE IF EXISTS ddl_churn${n % 2 === 0 ? n : 0}`,
  ],
];

const myisamScenes: Scene[] = [
  (n, _, { make, rows }) => [
    ...make(`m${n}`, 'MyISAM', n),
    `ALTER TABLE m${n} ADD COLUMN c INT`,
    `RENAME TABLE m${n} TO mm${n}`,
    `REPAIR TABLE mm${n}`,
    `TRUNCATE TABLE mm${n}`,
    `INSERT INTO mm${n} ${rows(n)}`,
    `ALTER TABLE mm${n} ENGINE=InnoDB`,
  ],
];

const mysqlScenes: Scene[] = [
  (n, _, { rows }) => [
    `CREATE TABLESPACE ddl_g${n} ADD DATAFILE 'ddl_g${n}.ibd'`,
    `CREATE TABLE g${n} (${body}) ENGINE=InnoDB TABLESPACE ddl_g${n}`,
    `INSERT INTO g${n} ${rows(n)}`,
    `ALTER TABLESPACE ddl_g${n} RENAME TO ddl_h${n}`,
    `ALTER TABLE g${n} TABLESPACE innodb_file_per_table`,
    `DROP TABLESPACE ddl_h${n}`,
    `ALTER TABLE g${n} TABLESPACE innodb_system`,
  ],
  // Once nothing needs it the file is made anew, with another space id.
  () => [`ALTER UNDO TABLESPACE ${undo} SET INACTIVE`, `ALTER UNDO TABLESPACE ${undo} SET ACTIVE`],
];

const ariaScenes: Scene[] = [
  (n, _, { make }) => [
    ...make(`e${n}`, 'Aria', n),
    `ALTER TABLE e${n} ADD INDEX by_k (k)`,
    `OPTIMIZE TABLE e${n}`,
    `ALTER TABLE e${n} ENGINE=InnoDB`,
  ],
];

const ariaRenames: Scene[] = [
  (n, _, { make }) => [
    ...make(`ga${n}`, 'Aria TRANSACTIONAL=1', n),
    `DROP TABLE IF EXISTS ha`,
    `RENAME TABLE ga${n} TO ha`,
    ...make(`gb${n}`, 'Aria TRANSACTIONAL=0', n),
    swap('ha', `gb${n}`, `gc${n}`),
  ],
];

const load = (table: string): string => `${quote(mainDatabase)}.${quote(table)}`;

const awayAndBack: Scene = (n, random) => {
  const table = load(random.pick(['r_zip4', 'r_zip8', 'page_compressed', 'myisam']));
  const away = load(`away_${n}`);
  return [`RENAME TABLE ${table} TO ${away}`, `RENAME TABLE ${away} TO ${table}`];
};

const sharedScenes: Scene[] = [
  (n, random) => {
    const table = load(random.pick(['r_dynamic', 'r_compact', 'r_redundant', 'noted']));
    return [
      `ALTER TABLE ${table} ADD INDEX by_a${n} (a(20))`,
      `ALTER TABLE ${table} DROP INDEX by_a${n}`,
    ];
  },
  awayAndBack,
  () => [swap(load('r_dynamic'), load('r_compact'), load('between'))],
  (_, random) => [
    `OPTIMIZE TABLE ${load(random.pick(['generated', 'part_hash', 'full_text', 'myisam']))}`,
  ],
  (_, random, { emptied: tables }) => [`TRUNCATE TABLE ${load(random.pick(tables))}`],
  (n) => [`ALTER TABLE ${load('generated')} COMMENT='${n}', FORCE`],
];

const ownScenes = (flavour: Flavour, options: DdlOptions): Scene[] => {
  if (flavour === 'mysql') return mysqlScenes;
  return options.ariaRenames === false ? ariaScenes : [...ariaScenes, ...ariaRenames];
};

// What a session beside the loop can make impossible; everything else is a fault of the loop.
const expected = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_DUP_ENTRY']);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Old tables go, so that the databases stay small however long the loop runs. */
const sweep = async (connection: Connection, n: number): Promise<string[]> => {
  const [tables] = await connection.query(
    'SELECT table_name AS t FROM information_schema.tables WHERE table_schema = ? ' +
      "AND table_type = 'BASE TABLE' AND table_name REGEXP '^[a-z]+[0-9]+[xyz]?$' " +
      "AND CAST(REGEXP_SUBSTR(table_name, '[0-9]+') AS UNSIGNED) < ?",
    [own, Math.max(0, n - 30)],
  );
  return (tables as { t: string }[]).map(({ t }) => `DROP TABLE ${quote(t)}`);
};

// A later loop, on the same server or on a copy of it, goes on with new names.
let rounds = 0;

class Loop {
  statements = 0;
  stopping = false;
  readonly refused = new Map<string, number>();
  readonly #connection: Connection;
  readonly #random: Random;
  readonly #parts: Parts;
  readonly #scenes: Scene[];
  readonly #swaps: boolean;

  constructor(server: TestServer, connection: Connection, options: DdlOptions) {
    this.#connection = connection;
    this.#random = seededRandom(options.seed ?? 1);
    this.#parts = partsFor(server);
    this.#swaps = options.swaps ?? true;
    this.#scenes = [
      ...innodbScenes,
      ...myisamScenes,
      ...ownScenes(flavourOf(server.product), options),
      ...(options.shared === false ? [] : sharedScenes),
    ].filter((scene) => this.#swaps || scene !== awayAndBack);
  }

  async run(): Promise<void> {
    while (!this.stopping) {
      const n = rounds;
      rounds += 1;
      // Every scene comes once before any comes again, with a new number for its tables.
      const scene = this.#scenes[n % this.#scenes.length];
      for (const sql of scene?.(n, this.#random, this.#parts) ?? []) {
        if (this.#swaps || !isSwap(sql)) await this.#send(sql);
      }
      if (n % 10 === 9) for (const sql of await sweep(this.#connection, n)) await this.#send(sql);
    }
    await this.#connection.end();
  }

  async #send(sql: string): Promise<void> {
    for (;;) {
      try {
        await this.#connection.query(sql);
        this.statements += 1;
        return;
      } catch (error) {
        const code = codeOf(error);
        if (!expected.has(code)) throw new Error(`ddl: ${sql}`, { cause: error });
        this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
        if (code === 'ER_DUP_ENTRY') return;
      }
    }
  }
}

/** Two undo tablespaces must stay active, and there are no more: the scene wants a third. */
const makeUndo = async (server: TestServer): Promise<void> => {
  const found = await server.query(
    'SELECT 1 FROM information_schema.innodb_tablespaces WHERE name = ?',
    [undo],
  );
  if (found.length > 0) return;
  await server.query(`CREATE UNDO TABLESPACE ${undo} ADD DATAFILE '${undo}.ibu'`);
};

/** Starts the loop, beside a load on the tables of `createSchema` unless `shared` is false. */
export async function startDdl(server: TestServer, options: DdlOptions = {}): Promise<Ddl> {
  for (const database of [own, second]) {
    await server.query(`CREATE DATABASE IF NOT EXISTS ${database}`);
  }
  if (flavourOf(server.product) === 'mysql') await makeUndo(server);
  const loop = new Loop(server, await server.connect({ database: own }), options);
  let failure: unknown;
  const end = loop.run().catch((error: unknown) => {
    failure = error;
  });
  return {
    statements() {
      if (failure !== undefined && !server.stopped) {
        throw new Error('the loop of schema changes has failed', { cause: failure });
      }
      return loop.statements;
    },
    async stop() {
      loop.stopping = true;
      await end;
      if (failure !== undefined) await explain(server, failure);
      return { statements: loop.statements, refused: loop.refused };
    },
  };
}
