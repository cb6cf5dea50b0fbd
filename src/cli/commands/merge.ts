import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { maskArgv } from '../../../formats/metadata/index.ts';
import { openLink } from '../../chain/open-link.ts';
import { BackupError } from '../../errors.ts';
import { probeDirectory } from '../../sink/probe-directory.ts';
import { type TargetValues, addTargetOptions, openTarget, targetOf } from '../backup-target.ts';
import { formatBytes } from '../console-reporter.ts';
import { tellSeal } from '../decoding-options.ts';
import {
  type EncodingValues,
  addEncodingOptions,
  encodingOf,
  threadsOf,
} from '../encoding-options.ts';
import {
  type Links,
  type OpenedChain,
  addChainOption,
  openChain,
  storedOf,
} from '../open-chain.ts';
import { parseCount } from '../parse-values.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { addUploadOptions, storeAccessOf } from '../store-options.ts';

interface MergeValues extends EncodingValues, TargetValues {
  from?: string[];
  parallel: number;
  tmpdir: string;
}

export function mergeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('merge')
    .description('Writes a chain as one new full backup, without a server');
  addTargetOptions(addChainOption(command))
    .option('--parallel <n>', 'copy threads', parseCount, Math.min(4, availableParallelism()))
    .option('--tmpdir <dir>', 'where the files of the databases are laid together', tmpdir());
  addEncodingOptions(command);
  addUploadOptions(command);
  context.register(command, merge);
}

async function merge(values: MergeValues, run: RunContext): Promise<void> {
  const { reporter, signal } = run;
  if (values.from === undefined) {
    throw new BackupError('usage', 'merge reads stored backups: name them with --from');
  }
  const encoding = encodingOf(values, reporter);
  // One key for the old and the new: who may read the chain may read what comes of it.
  const key = encoding.encryption?.key;
  const target = targetOf(values, encoding, reporter);
  // A directory that cannot be written to is found now, not when the chain is laid. So is a bucket below.
  if (typeof target === 'object' && 'place' in target && target.place.kind === 'file') {
    await probeDirectory(target.place.path);
  }
  const access = storeAccessOf(values, reporter, signal);
  const links = await linksOf(await openChain(values.from, key, access, signal), key, signal);
  for (const { index } of links) tellSeal(index, key, reporter);
  const openStore = await openTarget(target, values, encoding, run);
  const { mergeChain } = await import('../../chain/merge-chain.ts');
  const scratch = mkdtempSync(join(values.tmpdir, 'xbpipe-merge-'));
  try {
    const parallel = threadsOf(values);
    const command = maskArgv(process.argv.slice(2));
    const options = { scratch, openStore, encoding, key, parallel, command };
    const { begin, lastLsn, bytes } = await mergeChain(links, options, reporter, signal);
    reporter.info(
      `backup ${begin.backupId}: ${formatBytes(bytes)}, LSN ${begin.redoStart} to ${lastLsn}`,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function linksOf(
  chain: OpenedChain,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Links> {
  if ('links' in chain) return chain.links;
  return [await openLink(storedOf(chain.opened), key, signal)];
}
