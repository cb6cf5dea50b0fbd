import type { Command } from 'commander';
import { restoreChain } from '../../chain/restore-chain.ts';
import { type RestoreOptions, restore } from '../../restore/restore.ts';
import type { ArchiveSummary } from '../../archive/archive-checker.ts';
import { keyOf, tellSeal } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import { type OpenedChain, addChainOption, openChain } from '../open-chain.ts';
import { printRestorePreview } from '../restore-preview.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type ServerValues, addServerOptions, serverOptionsOf } from '../server-options.ts';
import { noteOwner } from './prepare.ts';

interface RestoreValues extends ServerValues, KeyValues, StoreValues {
  from?: string[];
  datadir: string;
  preview?: boolean;
  json?: boolean;
}

export function restoreCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('restore')
    .description('Brings an archive back as a data directory: extract, check, recover');
  addChainOption(command)
    .requiredOption('--datadir <dir>', 'new or empty directory')
    .option('--preview', 'make every check, say what would be done, and do nothing');
  addServerOptions(command);
  addKeyOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: RestoreValues, { reporter, signal }) => {
    const { datadir } = values;
    const key = keyOf(values, reporter);
    const access = storeAccessOf(values, reporter, signal);
    const chain = await openChain(values.from, key, access, signal);
    const options = { ...serverOptionsOf(values), datadir, key };
    if (values.preview === true) {
      const json = values.json === true;
      await printRestorePreview(chain, { ...options, json }, { reporter, signal });
      return;
    }
    await restoreOpened(chain, options, { reporter, signal });
    noteOwner(reporter, datadir);
  });
}

/** A full backup, or a chain; what the key proved of it is told. */
export async function restoreOpened(
  chain: OpenedChain,
  options: Omit<RestoreOptions, 'totalBytes' | 'onArchive'>,
  { reporter, signal }: Pick<RunContext, 'reporter' | 'signal'>,
): Promise<void> {
  const { key } = options;
  if ('links' in chain) {
    for (const { index } of chain.links) tellSeal(index, key, reporter);
    await restoreChain(chain.links, options, reporter, signal);
    return;
  }
  const { source, totalBytes } = chain.opened;
  const onArchive = (summary: ArchiveSummary): void => {
    tellSeal(summary, key, reporter);
  };
  await restore(source, { ...options, totalBytes, onArchive }, reporter, signal);
}
