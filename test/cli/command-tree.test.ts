import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { exitStatusHelp, exitStatusRows } from '../../src/cli/exit-status.ts';
import { buildProgram } from '../../src/cli/main.ts';
import { failures } from '../../src/errors.ts';
import { runTool } from '../support/tool.ts';

const commands = (): readonly Command[] => buildProgram().commands;

/** The help as a user sees it, with what follows the options. */
function helpOf(command: Command): string {
  let shown = '';
  command.configureOutput({
    writeOut: (text) => {
      shown += text;
    },
  });
  command.outputHelp();
  return shown;
}

describe('the command tree', () => {
  it('has the commands that the README describes', () => {
    const names = commands().map((command) => command.name());
    const words = 'backup extract restore prepare merge verify guard list info delete expire';
    const described = words.split(' ');
    assert.deepEqual(names.slice(0, described.length), described);
    assert.equal(new Set(names).size, names.length);
  });

  it('describes every command, argument and option in one line', () => {
    const described = commands().flatMap((command) => [
      { what: command.name(), text: command.description() },
      ...command.options.map(({ flags, description }) => ({
        what: `${command.name()} ${flags}`,
        text: description,
      })),
      ...command.registeredArguments.map((argument) => ({
        what: `${command.name()} <${argument.name()}>`,
        text: argument.description,
      })),
    ]);
    assert.ok(described.length > 40);
    for (const { what, text } of described) {
      assert.match(text, /^\S.{5,}[^.\s]$/u, what);
    }
  });

  it('gives no name to two options of a command, its help included', () => {
    for (const command of commands()) {
      const options = [...command.options, ...command.createHelp().visibleOptions(command)];
      const unlike = [...new Set(options.map(({ flags }) => flags))];
      const names = unlike.flatMap((flags) => flags.match(/(?<![\w-])-{1,2}[\w-]+/gu) ?? []);
      assert.deepEqual(
        names.filter((name, at) => names.indexOf(name) !== at),
        [],
        command.name(),
      );
      assert.ok(names.includes('--help'));
    }
  });

  it('writes long options in small letters and dashes, each with a letter before its value', () => {
    for (const command of commands()) {
      for (const { flags } of command.options) {
        assert.match(flags, /^(-[a-zA-Z], )?--[a-z0-9-]+( [<[][a-z]+[>\]])?$/u);
      }
    }
  });

  it('means the same by an option wherever it is', () => {
    const seen = new Map<string, string>();
    for (const { options } of commands()) {
      for (const { long, flags } of options) {
        assert.equal(seen.get(long ?? '') ?? flags, flags);
        seen.set(long ?? '', flags);
      }
    }
    assert.ok(seen.size > 20);
  });

  it('ends every help text with the exit statuses', () => {
    const program = buildProgram();
    for (const command of [program, ...program.commands]) {
      assert.ok(helpOf(command).trimEnd().endsWith(exitStatusHelp().trimEnd()), command.name());
    }
  });

  it('has one row for each exit status and one status for each failure', () => {
    const rows = exitStatusRows();
    assert.equal(rows.length, Object.keys(failures).length + 1);
    assert.equal(new Set(rows.map(({ status }) => status)).size, rows.length);
    assert.equal(rows[0]?.status, 0);
  });
});

describe('the programs of the package', () => {
  it('are there, with their line for the shell, and may be run', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      bin: Record<string, string>;
    };
    assert.deepEqual(Object.keys(bin), ['xbpipe', 'xbstream', 'xbcrypt']);
    for (const path of Object.values(bin)) {
      accessSync(path, constants.X_OK);
      assert.match(readFileSync(path, 'utf8'), /^#!\/usr\/bin\/env node\n/u);
    }
  });
});

describe('the program', () => {
  it('shows help and version with status 0', async () => {
    for (const args of [['--help'], ['backup', '--help'], ['--version'], ['help', 'restore']]) {
      const { status, stderr } = await runTool(args);
      assert.deepEqual([status, stderr], [0, ''], args.join(' '));
    }
  });

  it('ends with status 2 for whatever it does not understand, and says what', async () => {
    for (const [args, message] of [
      [['no-such-command'], /unknown command 'no-such-command'/u],
      [['backup', '--no-such'], /unknown option '--no-such'/u],
      [['backup', '--parallel=0'], /whole number of at least 1/u],
      [['backup', '--parallel=many'], /whole number of at least 1/u],
      [['backup', '--lock-ddl=OFF'], /Allowed choices are ON, REDUCED/u],
      [['backup', '--stream=tar'], /Allowed choices are xbstream, mbstream/u],
      [['backup', '--socket'], /argument missing/u],
      [['backup', '--to=x', '--target-dir=y'], /exclude each other/u],
      [['backup', '--to=gs://bucket/x'], /gs: is not supported/u],
      [['backup', '--to=s3://'], /names no bucket/u],
      [['backup', '--to=s3://bucket/'], /does not end in the name of a backup/u],
      [['restore', '--from=s3://b/a/../c', '--datadir=x'], /one of dots/u],
      [['backup', '--to=s3://b/x', '--s3-part-size=1M'], /--s3-part-size is 5242880 to/u],
      [['backup', '--to=s3://b/x', '--s3-max-parts=10001'], /--s3-max-parts is 1 to 10000/u],
      [['backup', '--to=s3://b/x', '--s3-tag=plain'], /name=value is wanted/u],
      [['backup', '--to=s3://b/x', '--s3-sse-kms-key-id=k'], /goes with --s3-sse=aws:kms/u],
      [['backup', '--to=s3://b/x', '--s3-object-lock-days=3'], /go together/u],
      [['backup', '--password', '--socket=/x', '--to=x'], /--password without a value/u],
      [['backup', '--password-file=/missing', '--socket=/x'], /\/missing: no such file/u],
      [['backup', '--ssl-mode=MAYBE'], /Allowed choices are DISABLED/u],
      [['backup', 'extra'], /too many arguments/u],
      [['restore'], /required option '--datadir <dir>' not specified/u],
      [['prepare'], /missing required argument 'dir'/u],
      [['prepare', 'a', 'b'], /too many arguments/u],
      [['--prepare'], /missing required argument 'dir'/u],
    ] as const) {
      const { status, stderr } = await runTool([...args]);
      assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
    }
  });
});
