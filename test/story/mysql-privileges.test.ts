import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, type ToolResult } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { assertFailed, namesIn } from './faults-support.ts';
import { product } from './mysql-source.ts';
import { proveSame, serverOf } from './ways-back.ts';

const account = "'xbpipe'@'localhost'";
const needed = ['BACKUP_ADMIN', 'PROCESS', 'RELOAD'];
const readsStatus = `GRANT SELECT ON performance_schema.log_status TO ${account}`;

const grant = (privileges: readonly string[]): string =>
  `GRANT ${privileges.join(', ')} ON *.* TO ${account}`;

describe('the account of a backup of MySQL', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ name: 'source', product });
    await createSchema(server, { megabytes: 0.5 });
  });

  /** An account that these statements make; backs up with it into a new directory. */
  const backUpAs = async (
    ...grants: string[]
  ): Promise<{ result: ToolResult; directory: string }> => {
    await server.query(`DROP USER IF EXISTS ${account}`);
    await server.query(`CREATE USER ${account} IDENTIFIED BY 'secret'`);
    for (const sql of grants) await server.query(sql);
    const directory = join(scratchDir('target'), 'new');
    const args = ['backup', '--no-defaults', '--json', '--user=xbpipe'];
    const result = await runTool(
      [...args, `--socket=${server.socket}`, `--target-dir=${directory}`],
      { env: { ...process.env, MYSQL_PWD: 'secret' } },
    );
    return { result, directory };
  };

  /** It was refused for this reason and left nothing; the GRANT of the hint is what helps. */
  const assertRefused = async (
    { result, directory }: Awaited<ReturnType<typeof backUpAs>>,
    { message, hint }: { message: string; hint: string },
  ): Promise<void> => {
    const last = assertFailed(result, 10, 'access');
    assert.deepEqual([last.message, last.hint], [message, `${hint};`]);
    assert.deepEqual(namesIn(directory), []);
    await server.query(hint);
  };

  for (const missing of needed) {
    it(`without ${missing} is refused with the GRANT that helps`, async () => {
      const rest = needed.filter((privilege) => privilege !== missing);
      await assertRefused(await backUpAs(grant(rest), readsStatus), {
        message: `${account} lacks ${missing}`,
        hint: grant([missing]),
      });
    });
  }

  it('that may not read the log status is refused with the GRANT that helps', async () => {
    await assertRefused(await backUpAs(grant(needed)), {
      message: `${account} may not read performance_schema.log_status`,
      hint: readsStatus,
    });
  });

  it('without any privilege learns of all that are missing at once', async () => {
    await assertRefused(await backUpAs(), {
      message: `${account} lacks ${needed.join(', ')}`,
      hint: grant(needed),
    });
  });

  it('needs no more than those, although it sees none of the tables', async () => {
    const { result, directory } = await backUpAs(grant(needed), readsStatus);
    assert.equal(result.status, 0, result.stderr);
    // What is not InnoDB is found all the same.
    assert.match(result.stderr, /there are tables outside of InnoDB/u);
    assert.doesNotMatch(result.stderr, /"type":"warning"/u);
    assertDone(await runTool(['prepare', '--server-binary', serverOf(product), directory]));
    await proveSame(server, directory, { replay: false });
  });
});
