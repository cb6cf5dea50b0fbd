import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildProgram } from '../../src/cli/main.ts';
import { applyOptionFiles } from '../../src/cli/option-file-values.ts';
import { BackupError } from '../../src/errors.ts';
import { scratchDir } from '../support/scratch.ts';
import { runTool } from '../support/tool.ts';

/** A folder with option files, and the path of the first. */
function optionFiles(files: Record<string, string>): { dir: string; first: string } {
  const dir = scratchDir('cnf');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text.replaceAll('DIR', dir));
  }
  return { dir, first: join(dir, Object.keys(files)[0] ?? '') };
}

/** What `xbpipe backup ARGS` would be run with; nothing is run. */
function valuesOf(...args: string[]): Record<string, unknown> {
  const program = buildProgram();
  const command = program.commands.find((one) => one.name() === 'backup');
  assert.ok(command);
  command.action(() => undefined);
  program.parse(['backup', ...args], { from: 'user' });
  applyOptionFiles(command);
  return command.opts();
}

const fileValues = (text: string, ...args: string[]): Record<string, unknown> =>
  valuesOf(`--defaults-file=${optionFiles({ 'my.cnf': text }).first}`, ...args);

function refusal(text: string): string {
  try {
    fileValues(text);
  } catch (error) {
    assert.ok(error instanceof BackupError);
    assert.equal(error.code, 'usage');
    return error.message;
  }
  assert.fail(`not refused: ${text}`);
}

describe('option files', () => {
  it('do not say that every backup is an increment', () => {
    for (const option of ['incremental-base', 'incremental-basedir', 'backup-incremental-base']) {
      const text = `[xbpipe]\n${option.replaceAll('-', '_')} = /from/file\n`;
      assert.match(refusal(text), new RegExp(`--${option} is for the command line`, 'u'));
    }
    assert.match(refusal('[xbpipe]\nincremental_lsn = 5\n'), /is for the command line/u);
  });

  it('give the options of [xbpipe] and [client], whatever their spelling', () => {
    const values = fileValues(`
# a comment
[client]
user = backup
password = "a # b"   # not part of it
socket=/run/s.sock
[mysqld]
parallel = 9
[xbpipe]
parallel=3
lock_ddl = ON
; another comment
lock-ddl-timeout = 60 # seconds
`);
    const { user, password, socket, parallel, lockDdl, lockDdlTimeout } = values;
    assert.deepEqual(
      { user, password, socket, parallel, lockDdl, lockDdlTimeout },
      {
        user: 'backup',
        password: 'a # b',
        socket: '/run/s.sock',
        parallel: 3,
        lockDdl: 'ON',
        lockDdlTimeout: 60,
      },
    );
  });

  it('give way to the command line', () => {
    const text = '[client]\nuser=file\n[xbpipe]\nparallel=3\n';
    const { user, parallel } = fileValues(text, '-u', 'line');
    assert.deepEqual([user, parallel], ['line', 3]);
    assert.equal(fileValues(text, '--parallel=1')['parallel'], 1);
  });

  it('let the later line win, and a bare option be a switch', () => {
    const values = fileValues('[xbpipe]\nuser=one\nquiet\n[client]\nuser=two\n');
    assert.deepEqual([values['user'], values['quiet']], ['two', true]);
  });

  it('keep every line of an option that may be repeated, and none beside the command line', () => {
    const text = '[xbpipe]\ns3-tag = a=1\n[client]\nuser=one\n[xbpipe]\ns3-tag = b=2\n';
    assert.deepEqual(fileValues(text)['s3Tag'], ['a=1', 'b=2']);
    assert.deepEqual(fileValues(text, '--s3-tag=c=3')['s3Tag'], ['c=3']);
  });

  it('include other files and folders of them, in order', () => {
    const { first } = optionFiles({
      'my.cnf':
        '[client]\nuser=top\nport=1\n!include DIR/one.cnf\n!includedir DIR/more\n!includedir DIR/missing',
      'one.cnf': '[client]\nport=2\nhost=one\n',
      'more/b.cnf': '[client]\nport=4\n',
      'more/a.cnf': '[client]\nport=3\nssl-ca=/a\n',
      'more/c.txt': '[client]\nport=5\n',
    });
    const { user, port, host, sslCa } = valuesOf(`--defaults-file=${first}`);
    assert.deepEqual(
      { user, port, host, sslCa },
      { user: 'top', port: 4, host: 'one', sslCa: '/a' },
    );
  });

  it('refuse to include each other for ever', () => {
    assert.match(
      refusal('!include DIR/my.cnf\n'),
      /my\.cnf: option files include each other too deeply/u,
    );
  });

  it('name file and option when [xbpipe] holds what no command knows', () => {
    assert.match(
      refusal('[xbpipe]\nparalel=3\n'),
      /my\.cnf: unknown option paralel in \[xbpipe\]/u,
    );
    // An option of another command is none of this one's business, nor is a client's.
    fileValues('[xbpipe]\nserver-binary=/x\n[client]\ndefault-character-set=utf8mb4\n');
  });

  it('are as strict with values as the command line', () => {
    assert.match(refusal('[xbpipe]\nparallel=0\n'), /my\.cnf: parallel: a whole number/u);
    assert.match(refusal('[xbpipe]\nlock-ddl=OFF\n'), /my\.cnf: lock-ddl is one of ON, REDUCED/u);
    assert.match(refusal('[xbpipe]\nsocket\n'), /my\.cnf: option socket needs a value/u);
  });
});

describe('the choice of option files', () => {
  const bad = '[xbpipe]\nnonsense=1\n';
  const run = async (home: string, ...args: string[]) =>
    await runTool(['backup', ...args, '--socket=/missing.sock', '--to=/missing/x'], {
      env: { ...process.env, HOME: home },
    });

  it('is ~/.my.cnf among the usual ones, then --defaults-extra-file', async () => {
    const { dir, first } = optionFiles({ '.my.cnf': bad });
    const usual = await run(dir);
    assert.equal(usual.status, 2);
    assert.ok(usual.stderr.includes(`${first}: unknown option nonsense in [xbpipe]`), usual.stderr);
    const extra = optionFiles({
      'extra.cnf': '[client]\nuser=extra\n',
      '.my.cnf': '[client]\nuser=home\n',
    });
    const both = await run(extra.dir, `--defaults-extra-file=${extra.first}`);
    assert.equal(both.status, 10);
    assert.match(both.stderr, /at \/missing\.sock as extra/u);
  });

  it('is only --defaults-file when that is given, and none with --no-defaults', async () => {
    const { dir } = optionFiles({ '.my.cnf': bad });
    const { first } = optionFiles({ 'only.cnf': '[client]\nuser=only\n' });
    const only = await run(dir, `--defaults-file=${first}`);
    assert.equal(only.status, 10, only.stderr);
    assert.match(only.stderr, /as only/u);
    assert.equal((await run(dir, '--no-defaults')).status, 10);
    const missing = await run(dir, '--defaults-file=/missing.cnf');
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /\/missing\.cnf: no such file/u);
  });
});
