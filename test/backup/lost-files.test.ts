import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { CleanUp } from '../../src/backup/clean-up.ts';
import type { CopyJob } from '../../src/backup/copy/copy-messages.ts';
import type { CopyContext } from '../../src/backup/copy-context.ts';
import { copyOtherFiles } from '../../src/backup/mariadb/copy-other-files.ts';
import { followDdl } from '../../src/backup/mariadb/follow-ddl.ts';
import type { MariadbInfo } from '../../src/server/mariadb/mariadb-info.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';

const files = [
  'aria_log_control',
  'aria_log.00000001',
  'aria_log.00000002',
  'db/db.opt',
  'db/t.frm',
  'db/t.MAD',
  'db/t#P#p0#TMP#.MAD',
  'db/t.ibd',
  'db/#sql-alter-1-2.ibd',
  'db/FTS_0000000000000012_BEING_DELETED.ibd',
];

function datadirOf(): string {
  const datadir = scratchDir('datadir');
  for (const file of files) {
    mkdirSync(dirname(join(datadir, file)), { recursive: true });
    writeFileSync(join(datadir, file), Buffer.alloc(16_384));
  }
  return datadir;
}

/** Files that are found under BLOCK_DDL, one of which is gone when it is to be copied. */
async function copyWithout(member: string): Promise<void> {
  const [datadir, cleanUp] = [datadirOf(), new CleanUp()];
  const done = (): Promise<void> => Promise.resolve();
  const asked = new Set<string>();
  const pool = {
    copy: (jobs: readonly CopyJob[]) => {
      for (const job of jobs) asked.add(job.member);
      const gone = [member, member.replace(/\.ibd$/, '.new')];
      return Promise.resolve(
        jobs.map((job) => (gone.includes(job.member) ? { vanished: job } : { copied: job })),
      );
    },
  };
  const context = {
    pool,
    cleanUp,
    session: {
      map: () =>
        new Map([
          ['Innodb_lsn_current', '1'],
          ['Innodb_lsn_flushed', '1'],
        ]),
    },
    store: { open: () => ({ write: done, close: done }) },
    progress: { expect: () => undefined },
    reporter: { info: () => undefined, warn: () => undefined },
    spoolDirectory: datadir,
  } as unknown as CopyContext;
  const info = { datadir, ariaLogDir: datadir } as MariadbInfo;
  try {
    await followDdl(context, info, []);
    await copyOtherFiles(context, info);
  } finally {
    await cleanUp.run();
  }
  assert.ok(asked.has(member.replace(/\.ibd$/, '.new')), 'it was not copied at all');
}

describe('a file that is gone although DDL is held off', () => {
  for (const member of ['aria_log_control', 'db/db.opt', 'db/t.frm', 'db/t.MAD', 'db/t.ibd']) {
    it(`makes the backup fail: ${member}`, async () => {
      const { message } = await failureOf(() => copyWithout(member));
      assert.match(message, /was there and is gone, in spite of the backup lock/);
      assert.ok(message.includes(member));
    });
  }

  for (const [member, what] of [
    ['db/#sql-alter-1-2.ibd', 'of an ALTER that was given up'],
    ['db/t#P#p0#TMP#.MAD', 'of an ALTER of partitions that was given up'],
    ['db/FTS_0000000000000012_BEING_DELETED.ibd', 'of an index of words that was given up'],
    ['aria_log.00000001', 'that was purged from the log of Aria'],
  ] as const) {
    it(`may be one ${what}`, async () => {
      await copyWithout(member);
    });
  }
});
