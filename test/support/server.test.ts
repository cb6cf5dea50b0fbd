import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { findProgram, leftOut, type ProgramName, products } from './programs.ts';
import { startServer } from './server.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

for (const product of products) {
  describe(`startServer of ${product}`, { skip: leftOut(product) }, () => {
    it('starts a server that answers, logs row events and can be stopped cleanly', async () => {
      const server = await startServer({ name: 'plain', product });
      const [row] = await server.query(
        'SELECT @@datadir AS d, @@log_bin AS l, @@binlog_format AS f, VERSION() AS v',
      );
      const { v, ...rest } = { ...row };
      assert.deepEqual(rest, { d: `${server.datadir}/`, l: 1, f: 'ROW' });
      // The suite that MySQL is from moves.
      if (product !== 'mysql-9.7') assert.match(String(v), new RegExp(product.slice(8), 'u'));
      await server.stop();
      assert.equal(server.stopped, true);
      assert.match(await server.errorLog(), /Shutdown complete/u);
    });

    it('starts again on the files of a killed server', async () => {
      const first = await startServer({ name: 'first', product });
      await first.query('CREATE DATABASE d1');
      await first.query('CREATE TABLE d1.t (a INT)');
      await first.query('INSERT INTO d1.t VALUES (7)');
      await first.kill();
      const second = await startServer({ name: 'second', product, datadir: first.datadir });
      assert.deepEqual(
        (await second.query('SELECT a FROM d1.t')).map((row) => row['a']),
        [7],
      );
      assert.match(await second.errorLog(), /crash recovery/u);
    });

    it('rejects with the error log when the server cannot start', async () => {
      await assert.rejects(
        startServer({ name: 'bad', product, options: ['--no-such-option-anywhere'] }),
        /did not start:[^]*no-such-option-anywhere/u,
      );
    });

    it('listens on a port when asked to', async () => {
      const server = await startServer({ name: 'tcp', product, tcp: true });
      const [row] = await server.query('SELECT @@port AS port');
      assert.equal(row?.['port'], server.port);
    });
  });
}

describe('startServer', () => {
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
    while (isAlive(Number(pid)) || existsSync(datadir)) await sleep(20);
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

describe('leftOut', () => {
  it('is the reason to skip the tests of a server that XBPIPE_LEAVE_OUT names', () => {
    const before = process.env['XBPIPE_LEAVE_OUT'];
    process.env['XBPIPE_LEAVE_OUT'] = 'mysql-9.7  other';
    assert.equal(leftOut('mysql-9.7'), 'XBPIPE_LEAVE_OUT names mysql-9.7');
    assert.equal(leftOut('mariadb-11.8'), false);
    delete process.env['XBPIPE_LEAVE_OUT'];
    assert.equal(leftOut('mysql-9.7'), false);
    if (before !== undefined) process.env['XBPIPE_LEAVE_OUT'] = before;
  });
});
