import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { findProgram, type ProgramName } from './programs.ts';
import { startServer } from './server.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('startServer', () => {
  it('starts a server that answers, logs row events and can be stopped cleanly', async () => {
    const server = await startServer({ name: 'plain' });
    const [row] = await server.query('SELECT @@datadir AS d, @@log_bin AS l, @@binlog_format AS f');
    assert.deepEqual({ ...row }, { d: `${server.datadir}/`, l: 1, f: 'ROW' });
    await server.stop();
    assert.equal(server.stopped, true);
    assert.match(await server.errorLog(), /Shutdown complete/u);
  });

  it('starts again on the files of a killed server', async () => {
    const first = await startServer({ name: 'first' });
    await first.query('CREATE TABLE test_t (a INT) ENGINE=InnoDB').catch(() => undefined);
    await first.query('CREATE DATABASE d1');
    await first.query('CREATE TABLE d1.t (a INT)');
    await first.query('INSERT INTO d1.t VALUES (7)');
    await first.kill();
    const second = await startServer({ name: 'second', datadir: first.datadir });
    assert.deepEqual(
      (await second.query('SELECT a FROM d1.t')).map((row) => row['a']),
      [7],
    );
    assert.match(await second.errorLog(), /Starting crash recovery/u);
  });

  it('rejects with the error log when the server cannot start', async () => {
    await assert.rejects(
      startServer({ name: 'bad', options: ['--no-such-option-anywhere'] }),
      /did not start:[^]*no-such-option-anywhere/u,
    );
  });

  it('listens on a port when asked to', async () => {
    const server = await startServer({ name: 'tcp', tcp: true });
    const [row] = await server.query('SELECT @@port AS port');
    assert.equal(row?.['port'], server.port);
  });

  it('leaves neither a server nor a file behind when the test process is killed', async () => {
    const script = `
      const { startServer } = await import(${JSON.stringify(new URL('server.js', import.meta.url).href)});
      const server = await startServer({ name: 'orphan' });
      process.stdout.write(server.pid + ' ' + server.datadir);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [told] = (await once(child.stdout, 'data')) as [Buffer];
    const [pid = '', datadir = ''] = told.toString().split(' ');
    assert.equal(isAlive(Number(pid)), true);
    child.kill('SIGKILL');
    for (let i = 0; i < 250 && (isAlive(Number(pid)) || existsSync(datadir)); i += 1) {
      await sleep(20);
    }
    assert.equal(isAlive(Number(pid)), false);
    assert.equal(existsSync(datadir), false);
  });
});

describe('findProgram', () => {
  it('names the places it searched when a program is missing', () => {
    assert.throws(
      () => findProgram('no-such-program' as ProgramName),
      /no-such-program not found in .*scripts\/servers\.sh/u,
    );
  });
});
