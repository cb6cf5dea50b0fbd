import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Reporter } from '../../reporter.ts';
import { restore } from '../../restore/restore.ts';
import { type Verified, verify } from '../../restore/verify.ts';
import { keyOf, tellSeal } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import { addSourceOption, openSource } from '../open-source.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type ServerValues, addServerOptions, serverOptionsOf } from '../server-options.ts';

interface VerifyValues extends KeyValues, ServerValues, StoreValues {
  from?: string;
  restoreDrill?: boolean;
  tmpdir: string;
}

export function verifyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .description('Reads a backup to its end and proves it: chunks, records, every page');
  addSourceOption(command)
    .option('--restore-drill', 'restore it into a scratch directory instead, and remove that again')
    .option('--tmpdir <dir>', 'where the scratch directory is made', tmpdir());
  addServerOptions(command);
  addKeyOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: VerifyValues, run) => {
    if (values.restoreDrill === true) await drill(values, run);
    else await prove(values, run);
  });
}

async function prove(values: VerifyValues, { reporter, signal }: RunContext): Promise<void> {
  const key = keyOf(values, reporter);
  const { source, totalBytes } = await openSource(
    values.from,
    storeAccessOf(values, reporter, signal),
    signal,
  );
  const verified = await verify(source, {
    key,
    signal,
    onProgress: (bytes) => {
      reporter.progress({ bytes, totalBytes });
    },
  });
  tellSeal(verified, key, reporter);
  tellVerified(verified, reporter);
}

function tellVerified(
  { members, pages, closedMembers, uncheckedFiles, checkpoints }: Verified,
  reporter: Reporter,
): void {
  if (closedMembers > 0) {
    reporter.warn(
      `${closedMembers} members are encrypted: without a key their pages were not checked`,
    );
  }
  if (uncheckedFiles.length > 0) {
    reporter.warn(
      `the pages of ${uncheckedFiles.join(', ')} (system tablespace) were not checked: ` +
        'a restore checks them',
    );
  }
  reporter.info(
    `the archive is whole: ${members} files, ${pages} pages checked, ` +
      `none beyond LSN ${checkpoints.lastLsn}`,
  );
}

/** The whole way back, with the server's recovery; what it made is removed whatever comes of it. */
async function drill(values: VerifyValues, { reporter, signal }: RunContext): Promise<void> {
  const key = keyOf(values, reporter);
  const { source, totalBytes } = await openSource(
    values.from,
    storeAccessOf(values, reporter, signal),
    signal,
  );
  const scratch = mkdtempSync(join(values.tmpdir, 'xbpipe-drill-'));
  try {
    const datadir = join(scratch, 'data');
    const options = { ...serverOptionsOf(values), datadir, scratch: true, totalBytes, key };
    await restore(source, options, reporter, signal);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  reporter.info('the backup was restored and recovered; the scratch directory is removed');
}
