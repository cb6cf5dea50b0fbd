import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { beginName, encodeBegin } from '../../../formats/archive-record/index.ts';
import { maskArgv } from '../../../formats/metadata/index.ts';
import type { BackupOptions, BackupResult } from '../../backup/backup.ts';
import { requireOneKey } from '../../backup/parent/one-key.ts';
import type { LockDdl } from '../../backup/course.ts';
import { toBackupError } from '../../errors.ts';
import { type ConnectionValues, accessOf, addConnectionOptions } from '../connection-options.ts';
import {
  type EncodingValues,
  addEncodingOptions,
  encodingOf,
  threadsOf,
} from '../encoding-options.ts';
import type { Reporter } from '../../reporter.ts';
import { formatBytes } from '../console-reporter.ts';
import { type HistoryValues, addHistoryOptions, refuseHistory } from '../history-options.ts';
import {
  type ParentValues,
  addParentOptions,
  parentFor,
  parentPlaceOf,
} from '../parent-options.ts';
import { parseCount } from '../parse-values.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type TargetValues, addTargetOptions, openTarget, targetOf } from '../backup-target.ts';
import { warnOfOtherPlace } from '../warn-of-chain.ts';
import { addUploadOptions } from '../store-options.ts';

interface BackupValues
  extends ConnectionValues, EncodingValues, TargetValues, ParentValues, HistoryValues {
  extraLsndir?: string;
  datadir?: string;
  parallel: number;
  lockDdl?: LockDdl;
  registerRedoLogConsumer: boolean;
  pageTracking?: boolean;
  lockDdlTimeout: number;
  tmpdir: string;
  preview?: boolean;
  json?: boolean;
}

export function backupCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('backup')
    .description('Takes a hot backup of a running server, full or incremental')
    .optionsGroup('Where it goes (default: an archive on standard output):');
  addTargetOptions(command)
    .option('--target-dir <dir>', 'plain files in a new or empty directory')
    .option('--preview', 'make every check, say what would be done, and do nothing')
    .option(
      '--extra-lsndir <dir>',
      'write the checkpoints, the info file and the begin record there as well',
    );
  addParentOptions(command);
  addHistoryOptions(command);
  command
    .optionsGroup('How it is taken:')
    .option('--parallel <n>', 'copy threads', parseCount, Math.min(4, availableParallelism()))
    .addOption(
      new Option(
        '--lock-ddl <mode>',
        'ON: hold off DDL (MariaDB: and writes to tables without transactions) for the whole copy; ' +
          'REDUCED, MariaDB only: at its end (default: REDUCED for MariaDB, ON for MySQL)',
      ).choices(['ON', 'REDUCED']),
    )
    .option(
      '--lock-ddl-timeout <seconds>',
      'longest wait for each backup lock',
      parseCount,
      31536000,
    )
    .addOption(
      new Option(
        '--register-redo-log-consumer',
        'MySQL: the server keeps its redo until it is copied',
      ).default(true),
    )
    .option('--no-register-redo-log-consumer', 'MySQL: it may overwrite what was not copied')
    .option(
      '--page-tracking',
      'MySQL: an increment reads only what the server says that it wrote since a parent that was ' +
        'taken with this option as well (needs component_mysqlbackup)',
    )
    .option('--datadir <dir>', "the server's data directory, when it is mounted elsewhere here")
    .option('--tmpdir <dir>', 'for redo that a slow reader does not take in time', tmpdir());
  addEncodingOptions(command);
  addUploadOptions(command);
  addConnectionOptions(command);
  context.register(command, runBackup);
}

async function runBackup(values: BackupValues, run: RunContext): Promise<void> {
  const { reporter, signal } = run;
  refuseHistory(values);
  const common = optionsOf(values, reporter);
  const { encoding } = common;
  const target = targetOf(values, encoding, reporter);
  const key = encoding.encryption?.key;
  const parent = await parentFor(values, key, run);
  if (parent) requireOneKey(parent, { key, format: common.format });
  const base = parentPlaceOf(values);
  if (base && typeof target === 'object' && 'place' in target) {
    warnOfOtherPlace(target.place, base, reporter);
  }
  const options = { ...common, parent };
  // Here and not above: no other command has use for the client of the server.
  if (values.preview === true) {
    const { printBackupPreview } = await import('../backup-preview.ts');
    await printBackupPreview(target, values, options, reporter);
    return;
  }
  const openStore = await openTarget(target, values, encoding, run);
  const { backup } = await import('../../backup/backup.ts');
  const result = await backup({ ...options, openStore }, reporter, signal);
  if (values.extraLsndir !== undefined) writeExtra(values.extraLsndir, result);
  reporter.info(
    `backup ${result.backupId}: ${formatBytes(result.bytes)}, ` +
      `LSN ${result.redoStart} to ${result.lastLsn}`,
  );
}

function optionsOf(values: BackupValues, reporter: Reporter): Omit<BackupOptions, 'openStore'> {
  const { lockDdl, datadir } = values;
  const encoding = encodingOf(values, reporter);
  return {
    access: accessOf(values),
    format: values.targetDir === undefined ? 'xbstream' : 'file',
    encoding,
    lockDdl,
    registerConsumer: values.registerRedoLogConsumer,
    pageTracking: values.pageTracking === true && values.incrementalForceScan !== true,
    lockTimeoutSeconds: values.lockDdlTimeout,
    parallel: threadsOf(values),
    datadir,
    spoolDirectory: values.tmpdir,
    command: maskArgv(process.argv.slice(2)),
  };
}

/** Enough to take an increment on the backup, wherever it is. */
function writeExtra(directory: string, { metadata, begin }: BackupResult): void {
  const files = metadata.filter(({ name }) => /_(checkpoints|info)$/.test(name));
  try {
    mkdirSync(directory, { recursive: true });
    for (const { name, bytes } of [{ name: beginName, bytes: encodeBegin(begin) }, ...files]) {
      writeFileSync(join(directory, name), bytes);
    }
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}
