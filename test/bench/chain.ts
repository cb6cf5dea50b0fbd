// A full backup and three increments, brought back until a server answers on them, side by side
// with the stock tools, which apply the redo of every level.

import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { compare } from './measure.ts';
import { shell } from './shell.ts';
import type { Source } from './source.ts';

const increments = [1, 2, 3];
/** Rows of each table that change between two backups, the same ones every time: a fifth of all. */
const hotRows = 180_000;
const newRows = 5000;

async function change(server: TestServer): Promise<void> {
  for (let table = 1; table <= 6; table += 1) {
    await server.query(`UPDATE bench.t${table} SET b = REVERSE(b) WHERE id <= ${hotRows}`);
    await server.query(
      `INSERT INTO bench.t${table} (a, b, c) SELECT a, b, c FROM bench.t${table} LIMIT ${newRows}`,
    );
  }
}

/** Both tools back up the same: each on its own parents. */
async function takeChains(
  { server, ours }: Source,
  places: { own: string; stock: string },
): Promise<void> {
  const { own, stock } = places;
  const backup = findProgram('mariadb-backup');
  const theirs =
    `${backup} --no-defaults --backup --stream=xbstream --user=root --parallel=2 ` +
    `--socket=${server.socket} --datadir=${server.datadir} --target-dir=${stock}/target`;
  mkdirSync(own);
  mkdirSync(stock);
  await shell(`${ours} --to=${own}/0`);
  await shell(`${theirs} --extra-lsndir=${stock}/lsn0 > ${stock}/0.xbs`);
  for (const turn of increments) {
    await change(server);
    await shell(`${ours} --to=${own}/${turn} --incremental-base=${own}/${turn - 1}`);
    await shell(
      `${theirs} --incremental-basedir=${stock}/lsn${turn - 1} --extra-lsndir=${stock}/lsn${turn} ` +
        `> ${stock}/${turn}.xbs`,
    );
  }
}

export async function benchChain(source: Source): Promise<void> {
  const scratch = scratchDir('chain');
  const [own, stock, into] = ['own', 'stock', 'into'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  await takeChains(source, { own, stock });
  const answers = `${process.execPath} ${join(dirname(fileURLToPath(import.meta.url)), 'answers.js')}`;
  const [stream, prepare] = [findProgram('mbstream'), findProgram('mariadb-backup')];
  const apply = `${prepare} --no-defaults --prepare --target-dir=${into}/data`;
  const levels = increments.map(
    (turn) =>
      `mkdir ${into}/${turn} && ${stream} -x -C ${into}/${turn} < ${stock}/${turn}.xbs && ` +
      `${apply} --incremental-dir=${into}/${turn}`,
  );
  await compare({
    title: 'a full backup and three increments, until a server answers',
    ours:
      `${source.tool} restore --no-defaults --from=${own}/${increments.length} ` +
      `--server-binary=${findProgram('mariadbd')} --datadir=${into}/data && ${answers} ${into}/data`,
    theirs:
      `mkdir ${into}/data && ${stream} -x -C ${into}/data < ${stock}/0.xbs && ${apply} && ` +
      `${levels.join(' && ')} && ${answers} ${into}/data`,
    peer: 'mbstream -x; mariadb-backup --prepare',
    goal: 1 / 1.5,
    before: async () => {
      rmSync(into, { recursive: true, force: true });
      mkdirSync(into);
      await shell(`cat ${own}/*/* ${stock}/*.xbs > /dev/null; sync`);
    },
  });
}
