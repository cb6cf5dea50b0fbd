import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { pageId, pageRuns } from '../../formats/page-track/index.ts';
import { narrowToTracked, trackPages } from '../../src/backup/mysql/page-tracking.ts';
import type { TablespaceFile } from '../../src/backup/plan/tablespace-file.ts';
import type { MysqlInfo } from '../../src/server/mysql/mysql-info.ts';
import type { Session } from '../../src/server/session.ts';
import { scratchDir } from '../support/scratch.ts';

/** What a server with page tracking answers, and what is different about this one. */
interface Answers {
  component?: boolean;
  grants?: string;
  set?: number;
  startLsn?: number;
  count?: number;
  status?: number;
  started?: number;
  newest?: number;
  built?: number[];
  /** What the server writes to its list; undefined: no file. */
  list?: Uint8Array | undefined;
}

/** Answers as MySQL does, keeps the statements, and writes the list where MySQL does. */
class ScriptedServer {
  readonly datadir = scratchDir('datadir');
  readonly statements: string[] = [];
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  readonly #answers: Answers;
  #id = '';

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  readonly reporter = {
    info: (message: string) => void this.infos.push(message),
    warn: (message: string) => void this.warnings.push(message),
    progress: () => undefined,
  };

  get session(): Session {
    const rows = (sql: string): Promise<object[]> => Promise.resolve(this.#rows(sql));
    const map = (): Promise<Map<string, string>> =>
      Promise.resolve(new Map((this.#answers.component ?? true) ? [['a', '']] : []));
    return { rows, run: rows, map } as unknown as Session;
  }

  async narrow(files: TablespaceFile[], since = tracking): Promise<TablespaceFile[]> {
    const info = { datadir: this.datadir } as MysqlInfo;
    return await narrowToTracked(
      { session: this.session, info, reporter: this.reporter },
      files,
      since,
    );
  }

  #rows(sql: string): object[] {
    this.statements.push(sql);
    const { set = 900, startLsn = 500, count = 0, status = 0 } = this.#answers;
    const { started = tracking.serverStarted, newest = 170, built = [] } = this.#answers;
    const { grants = 'SUPER' } = this.#answers;
    if (sql.includes('track_set')) return [{ answer: set }];
    if (sql.includes('get_start_lsn')) return [{ answer: startLsn }];
    if (sql.includes('page_count')) return [{ answer: count }];
    if (sql.includes('get_changed_pages')) return this.#list(status);
    if (sql.includes('Uptime')) return [{ started: `${started}.000000` }];
    if (sql.includes('MAX(TABLE_ID)')) return [{ id: tracking.newestTableId }];
    if (sql.includes('MAX(INDEX_ID)')) return [{ id: newest }];
    if (sql === 'SHOW GRANTS') return [{ a: `GRANT ${grants} ON *.* TO xbpipe` }];
    if (sql.includes('CURRENT_USER')) return [{ account: 'xbpipe@localhost' }];
    if (sql.includes('INDEX_ID > 170')) return built.map((id) => ({ id }));
    this.#id = /backupid = '(\d*)'/u.exec(sql)?.[1] ?? assert.fail(sql);
    return [];
  }

  #list(status: number): object[] {
    const { list } = this.#answers;
    if (list) {
      mkdirSync(join(this.datadir, '#meb'), { recursive: true });
      writeFileSync(join(this.datadir, '#meb', `${this.#id}.idx`), list);
    }
    return [{ answer: status }];
  }
}

const tracking = {
  startLsn: 600,
  serverStarted: 1_795_000_000,
  newestTableId: 1060,
  newestIndexId: 170,
};

const file = (spaceId: number): TablespaceFile => ({
  kind: 'tablespace',
  role: 'table',
  source: `/data/${spaceId}.ibd`,
  member: `d/${spaceId}.ibd`,
  size: 10,
  spaceId,
});

const listOf = (...ids: (readonly [number, number])[]): Uint8Array =>
  Buffer.concat(ids.map(([spaceId, pageNumber]) => pageId.encode({ spaceId, pageNumber })));

/** Page runs to look at, by file; `all` where nothing is said. */
const lookedAt = (files: readonly TablespaceFile[]): unknown[] =>
  files.map(({ changed }) =>
    changed ? [...pageRuns(changed.pages)].map(({ first, count }) => [first, count]) : 'all',
  );

describe('page tracking', () => {
  it('begins anew for a backup, which notes what the next one needs', async () => {
    const server = new ScriptedServer({});
    const noted = await trackPages(server.session, undefined, server.reporter);
    assert.deepEqual(noted, { ...tracking, startLsn: 900 });
    assert.deepEqual(server.warnings, []);
  });

  it('goes on only where it is known to be of this run of the server', async () => {
    const isEnded = async (
      since: typeof tracking | undefined,
      answers: Answers,
    ): Promise<boolean> => {
      const server = new ScriptedServer(answers);
      await trackPages(server.session, since, server.reporter);
      return server.statements.some((sql) => sql.includes('track_set(0)'));
    };
    assert.equal(await isEnded(tracking, {}), false);
    assert.equal(await isEnded(tracking, { started: tracking.serverStarted + 60 }), true);
    assert.equal(await isEnded(undefined, {}), true);
    // It is not on.
    assert.equal(await isEnded(undefined, { startLsn: 0 }), false);
  });

  it('narrows each file to the pages that the server wrote of its tablespace', async () => {
    const list = listOf([7, 4], [9, 2], [7, 5], [7, 4], [99, 1]);
    const server = new ScriptedServer({ list, count: 5 });
    const files = await server.narrow([file(7), file(8), file(9)]);
    assert.deepEqual(lookedAt(files), [[[4, 2]], [], [[2, 1]]]);
    assert.deepEqual(server.warnings, []);
    assert.match(server.infos.join(), /wrote 3 pages of 2 tablespaces/u);
    assert.ok(server.statements.some((sql) => sql.includes('get_changed_pages(600, 0)')));
  });

  it('has the server delete its list, also when it cannot be used', async () => {
    for (const count of [1, 2]) {
      const server = new ScriptedServer({ list: listOf([7, 4]), count });
      await server.narrow([file(7)]);
      const named = server.statements.filter((sql) => sql.startsWith('SET GLOBAL'));
      assert.equal(named.length, 2);
      assert.match(named[1] ?? '', /backupid = ''/u);
    }
  });

  it('takes an empty list, which has no file', async () => {
    const server = new ScriptedServer({});
    assert.deepEqual(lookedAt(await server.narrow([file(7)])), [[]]);
    assert.deepEqual(server.warnings, []);
  });

  it('reads a file wholly in which an index was built since', async () => {
    const server = new ScriptedServer({ list: listOf([7, 4], [8, 4]), count: 2, built: [8, 55] });
    assert.deepEqual(lookedAt(await server.narrow([file(7), file(8)])), [[[4, 1]], 'all']);
    assert.match(server.infos.join(), /; 1 with newer tables or indexes are read whole/u);
  });

  it('reads a file wholly that the dictionary does not know', async () => {
    const { spaceId: _, ...unknown } = file(7);
    assert.deepEqual(lookedAt(await new ScriptedServer({}).narrow([unknown])), ['all']);
  });

  const faults: [
    name: string,
    answers: Answers,
    since: typeof tracking | undefined,
    why: RegExp,
  ][] = [
    ['the component is not there', { component: false }, tracking, /INSTALL COMPONENT/u],
    [
      'a privilege is missing',
      { grants: 'BACKUP_ADMIN' },
      tracking,
      /lacks SYSTEM_VARIABLES_ADMIN .GRANT/u,
    ],
    ['the parent was taken without it', {}, undefined, /^the parent was taken without/u],
    ['tracking is off', { startLsn: 0 }, tracking, /^page tracking is off/u],
    ['tracking was off meanwhile', { startLsn: 601 }, tracking, /began anew at LSN 601/u],
    ['the server was restarted', { started: tracking.serverStarted + 60 }, tracking, /restarted/u],
    ['the server does not count', { count: -3803 }, tracking, /no checkpoint/u],
    ['the server does not list', { status: 3951 }, tracking, /error 3951/u],
    ['the list is not all there', { count: 3, list: listOf([7, 4]) }, tracking, /1 of 3 entries/u],
    ['the list is gone', { count: 1 }, tracking, /no such file/u],
    ['the list is cut', { count: 1, list: listOf([7, 4]).subarray(0, 7) }, tracking, /wanted, 7/u],
  ];
  for (const [name, answers, since, why] of faults) {
    it(`reads every page, and says why, when ${name}`, async () => {
      const server = new ScriptedServer(answers);
      const info = { datadir: server.datadir } as MysqlInfo;
      const context = { session: server.session, info, reporter: server.reporter };
      const files = await narrowToTracked(context, [file(7), file(8)], since);
      assert.deepEqual(lookedAt(files), ['all', 'all']);
      assert.equal(server.warnings.length, 1);
      assert.match(server.warnings[0] ?? '', why);
      assert.match(server.warnings[0] ?? '', /: every page is read$/u);
    });
  }

  it('is no reason to fail for a backup that only wants it for the next', async () => {
    for (const answers of [{ component: false }, { grants: 'USAGE' }, { set: 0 }, { set: -1317 }]) {
      const server = new ScriptedServer(answers);
      assert.equal(await trackPages(server.session, undefined, server.reporter), undefined);
      assert.match(server.warnings.join(), /: the next increment will read every page$/u);
    }
  });
});
