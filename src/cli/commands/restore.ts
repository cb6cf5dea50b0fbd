import type { Command } from 'commander';
import { restore } from '../../restore/restore.ts';
import type { ArchiveSummary } from '../../archive/archive-checker.ts';
import { keyOf, tellSeal } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import { addSourceOption, openSource } from '../open-source.ts';
import { printRestorePreview } from '../restore-preview.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext } from '../run-command.ts';
import { type ServerValues, addServerOptions, serverOptionsOf } from '../server-options.ts';
import { noteOwner } from './prepare.ts';

interface RestoreValues extends ServerValues, KeyValues, StoreValues {
  from?: string;
  datadir: string;
  preview?: boolean;
  json?: boolean;
}

export function restoreCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('restore')
    .description('Brings an archive back as a data directory: extract, check, recover');
  addSourceOption(command)
    .requiredOption('--datadir <dir>', 'new or empty directory')
    .option('--preview', 'make every check, say what would be done, and do nothing');
  addServerOptions(command);
  addKeyOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: RestoreValues, { reporter, signal }) => {
    const { datadir } = values;
    const opened = await openSource(values.from, storeAccessOf(values, reporter, signal), signal);
    const { source, totalBytes } = opened;
    const key = keyOf(values, reporter);
    if (values.preview === true) {
      const wanted = { ...serverOptionsOf(values), datadir, key, json: values.json === true };
      await printRestorePreview(opened, wanted, { reporter, signal });
      return;
    }
    const onArchive = (summary: ArchiveSummary): void => {
      tellSeal(summary, key, reporter);
    };
    const options = { ...serverOptionsOf(values), datadir, totalBytes, key, onArchive };
    await restore(source, options, reporter, signal);
    noteOwner(reporter, datadir);
  });
}
