// npm run demo: the main job on a throw-away server, with its proof.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  assertSame,
  checkTables,
  checksums,
  readBinlogInfo,
  replayBinlog,
} from '../support/proof.ts';
import { findProgram } from '../support/programs.ts';
import { startS3Process } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema, redoTurns, startDdl, startLoad } from '../support/workload.ts';

const main = fileURLToPath(new URL('../support/tool-main.js', import.meta.url));

const title = (text: string): void => {
  console.log(`\n=== ${text}`);
};

/** Runs a shell command after showing it; `xbpipe` is this checkout's. */
async function shell(command: string): Promise<void> {
  console.log(`$ ${command}`);
  const script = `set -o pipefail; xbpipe() { "${process.execPath}" "${main}" "$@"; }; ${command}`;
  const child = spawn('bash', ['-c', script], {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${join(findProgram('mbstream'), '..')}:${process.env['PATH'] ?? ''}`,
    },
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`it ended with status ${status ?? 'none'}`);
}

async function prove(source: TestServer, directory: string, name: string): Promise<void> {
  const target = await startServer({ name, datadir: directory });
  const position = await readBinlogInfo(directory);
  const faults = await checkTables(target);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  console.log('server started on it; CHECK TABLE ... EXTENDED: every table OK');
  await replayBinlog(source, target, position);
  console.log(`binlog of the source replayed from ${position.file} ${position.position}`);
  await assertSame(source, target);
  const { size } = await checksums(target);
  console.log(`CHECKSUM TABLE of ${size} tables and all definitions: equal to the source`);
  await target.stop();
}

title('A throw-away MariaDB server, its redo log small enough to wrap');
const source = await startServer({ name: 'demo', options: ['--innodb-log-file-size=32M'] });
const tables = await createSchema(source, { megabytes: 64 });
const [row] = await source.query<{ version: string }>('SELECT VERSION() AS version');
console.log(
  `MariaDB ${row?.version ?? ''}: ${tables.length} tables of all kinds under write load, DDL beside it`,
);
const load = await startLoad(source, tables, { pauseMs: 20 });
const ddl = await startDdl(source);

const work = scratchDir('demo');
const backup = `xbpipe backup --no-defaults --user=root --socket=${source.socket}`;
const [extracted, restored, archive] = ['extracted', 'restored', 'backup.xbs'].map((name) =>
  join(work, name),
);
mkdirSync(extracted ?? '');

title('Backup to standard output, through a pipe');
const before = await redoTurns(source);
await shell(`${backup} | cat > ${archive}`);
console.log(
  `meanwhile the redo log went from turn ${before.toFixed(2)} to ${(await redoTurns(source)).toFixed(2)}`,
);

title('A full backup and an increment on it, straight into a bucket of an embedded S3 store');
const place = await startS3Process();
Object.assign(process.env, place.environment, { AWS_ENDPOINT_URL: place.endpoint });
// The store has no TLS.
delete process.env['AWS_CA_BUNDLE'];
const [full, increment] = [place.url('monday'), place.url('tuesday')];
await shell(`${backup} --s3-part-size=5M --s3-max-parts=4 --to ${full}`);
await shell(`${backup} --compress --incremental-base ${full} --to ${increment}`);
await shell(`xbpipe list ${place.url('')}`);
const statements = load.statements();
await ddl.stop();
await load.stop();
console.log(`load stopped after ${statements} statements`);

title('Way back 1: any extractor, then xbpipe prepare');
await shell(`xbpipe guard < ${archive} | mbstream -x -C ${extracted}`);
await shell(`xbpipe prepare ${extracted}`);
await prove(source, extracted ?? '', 'extracted');

title('Way back 2: xbpipe restore, in one go');
await shell(`xbpipe restore --from ${archive} --datadir ${restored}`);
await prove(source, restored ?? '', 'restored');

title('Way back 3: the increment, laid over its full backup as both are read from the bucket');
await shell(
  `xbpipe extract --from ${full} --include 'load_main/r_compact.*' -C ${work}/table && ls -l ${work}/table/*`,
);
await shell(`xbpipe restore --from ${increment} --datadir ${work}/bucket`);
await prove(source, join(work, 'bucket'), 'bucket');
await place.stop();

title('An archive that was cut');
await shell(`! head -c 1000000 ${archive} | xbpipe extract -C ${work}/cut`);
await source.stop();
console.log('\ndemo: the backups are proved equal to their source, every way back');
