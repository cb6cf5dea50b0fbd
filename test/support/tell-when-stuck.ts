// What a test file that does not end is waiting for, told before the runner kills it.

import { execFileSync } from 'node:child_process';

import { flavourOf } from './programs.ts';
import type { TestServer } from './server.ts';

/** The runner ends a file after 300 s and says nothing of what it was at. */
const stuckAfterMs = 270_000;
const shownCharactersMax = 20_000;

const questions = {
  mariadb: ['SHOW FULL PROCESSLIST'],
  mysql: [
    'SHOW FULL PROCESSLIST',
    'SELECT object_type, object_schema, object_name, lock_type, lock_status, owner_thread_id ' +
      "FROM performance_schema.metadata_locks WHERE object_type <> 'TABLE' OR lock_status = 'PENDING'",
  ],
};

/** Nothing is said of a file that is done before. */
export function tellWhenStuck(running: Iterable<TestServer>): void {
  setTimeout(() => {
    void tell(running);
  }, stuckAfterMs).unref();
}

async function tell(running: Iterable<TestServer>): Promise<void> {
  const say = (text: string): void => {
    process.stderr.write(`stuck: ${text.slice(0, shownCharactersMax)}\n`);
  };
  say(`this process waits for ${process.getActiveResourcesInfo().join(', ')}`);
  say(
    execFileSync(
      'ps',
      ['-N', '--ppid', '2', '-o', 'pid,ppid,stat,wchan:24,etimes,args', '--forest', '-ww'],
      {
        encoding: 'utf8',
      },
    ),
  );
  for (const server of running) {
    for (const sql of questions[flavourOf(server.product)]) {
      try {
        // On its own: the shared connection may be what is stuck.
        const connection = await server.connect();
        const [rows] = await connection.query(sql);
        say(`${server.name}: ${JSON.stringify(rows, undefined, 1)}`);
        connection.destroy();
      } catch (error) {
        say(`${server.name}: ${String(error)}`);
      }
    }
  }
}
