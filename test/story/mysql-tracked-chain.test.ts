import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, startDdl, startLoad } from '../support/workload.ts';
import { backupArgs } from './faults-support.ts';
import { restored } from './increment-support.ts';
import { product, untilStatements, untilTracked } from './mysql-source.ts';
import { proveSame } from './ways-back.ts';

const names = ['full', 'first', 'second', 'third'] as const;

describe('a chain of MySQL with page tracking', { skip: leftOut(product) }, () => {
  it('comes back although indexes are built and tables come and go', async () => {
    // Pages are written all the time.
    const options = ['--innodb-buffer-pool-size=16M', '--innodb-redo-log-capacity=64M'];
    const source = await startServer({ name: 'source', product, options });
    await source.query('INSTALL COMPONENT "file://component_mysqlbackup"');
    const tables = await createSchema(source, { megabytes: 3 });
    const load = await startLoad(source, tables, { pauseMs: 150 });
    const ddl = await startDdl(source);
    const [place, lsns] = [scratchDir('chain'), scratchDir('lsns')];
    const lsnDir = (name: string): string => join(lsns, name);
    const said: string[] = [];
    for (const [i, name] of names.entries()) {
      const base = i === 0 ? [] : [`--incremental-base=${join(place, names[i - 1] ?? '')}`];
      // An increment before that rightly warns, and reads every page.
      if (i > 0) await untilTracked(source, lsnDir(names[i - 1] ?? ''));
      const to = [`--to=${join(place, name)}`, `--extra-lsndir=${lsnDir(name)}`];
      const args = backupArgs(source, '--page-tracking', ...to, ...base);
      said.push(assertDone(await runTool(args)).stderr);
      await untilStatements(ddl, 30);
    }
    await ddl.stop();
    await load.stop();
    for (const increment of said.slice(1)) assert.match(increment, /the server wrote \d+ pages/u);

    // All links are in what the newest comes back to.
    const datadir = await restored(product, join(place, names.at(-1) ?? ''));
    await proveSame(source, datadir, { replay: true });
  });
});
