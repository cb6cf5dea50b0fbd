import type { Command } from 'commander';
import { extract } from '../../restore/extract.ts';
import { fillStage } from '../../sink/fill-stage.ts';
import {
  type DecodingValues,
  addDecodingOptions,
  decodingOf,
  tellSeal,
} from '../decoding-options.ts';
import { formatBytes } from '../console-reporter.ts';
import { openSource } from '../open-source.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext } from '../run-command.ts';

interface ExtractValues extends DecodingValues, StoreValues {
  from?: string;
  directory: string;
  verbose?: boolean;
  anyArchive?: boolean;
}

export function extractCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('extract')
    .description('Extracts an xbstream archive, strictly: one that is not whole is refused')
    .option(
      '--from <source>',
      'backup or archive: a path, a file: or s3: URL (default: standard input)',
    )
    .option('-C, --directory <dir>', 'where to', '.')
    .option('-v, --verbose', 'print the name of every file')
    .option('--any-archive', 'also extract archives that are no backup');
  addDecodingOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: ExtractValues, { reporter, signal }) => {
    const unlocking = decodingOf(values, reporter);
    const { source, totalBytes } = await openSource(
      values.from,
      storeAccessOf(values, reporter),
      signal,
    );
    const summary = await fillStage(
      values.directory,
      { empty: false },
      reporter,
      async (directory) =>
        await extract(source, directory, {
          ...unlocking,
          anyArchive: values.anyArchive === true,
          signal,
          onProgress: (bytes) => {
            reporter.progress({ bytes, totalBytes });
          },
          ...(values.verbose === true
            ? {
                onMember: (path) => {
                  reporter.info(path);
                },
              }
            : {}),
        }),
    );
    tellSeal(summary, unlocking.key, reporter);
    reporter.info(
      `${summary.members} files, ${formatBytes(summary.payloadBytes)} in ${values.directory}`,
    );
  });
}
