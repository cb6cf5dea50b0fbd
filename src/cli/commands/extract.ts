import type { Command } from 'commander';
import { type ArchiveIndex, readArchiveIndex } from '../../archive/archive-index.ts';
import type { Seal } from '../../archive/captured-records.ts';
import { extract, extractMembers } from '../../restore/extract.ts';
import { NamePatterns } from '../../restore/name-patterns.ts';
import type { ReadOptions } from '../../restore/read-archive.ts';
import type { ReadMembersOptions } from '../../restore/read-members.ts';
import { fillStage } from '../../sink/fill-stage.ts';
import type { StagedDirectory } from '../../sink/staged-directory.ts';
import {
  type DecodingValues,
  type Unlocking,
  addDecodingOptions,
  decodingOf,
  tellSeal,
} from '../decoding-options.ts';
import { formatBytes } from '../console-reporter.ts';
import { type OpenedSource, addSourceOption, openSource } from '../open-source.ts';
import { collect } from '../parse-values.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext, RunContext } from '../run-command.ts';

interface ExtractValues extends DecodingValues, StoreValues {
  from?: string;
  directory: string;
  include?: string[];
  verbose?: boolean;
  anyArchive?: boolean;
}

export function extractCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('extract')
    .description('Extracts an xbstream archive, strictly: one that is not whole is refused');
  addSourceOption(command)
    .option('-C, --directory <dir>', 'where to', '.')
    .option('--include <glob>', 'only files of such names; may be repeated', collect)
    .option('-v, --verbose', 'print the name of every file')
    .option('--any-archive', 'also extract archives that are no backup');
  addDecodingOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: ExtractValues, { reporter, signal }) => {
    const unlocking = decodingOf(values, reporter);
    const opened = await openSource(values.from, storeAccessOf(values, reporter, signal), signal);
    const run = { reporter, signal, unlocking };
    if (values.include) await extractSome(values.include, values, opened, run);
    else await extractAll(values, opened, run);
  });
}

/** What both ways to extract work with. */
interface Run extends Pick<RunContext, 'reporter' | 'signal'> {
  unlocking: Unlocking;
}

async function extractAll(values: ExtractValues, opened: OpenedSource, run: Run): Promise<void> {
  const { reporter, unlocking } = run;
  const options = optionsOf(values, opened, run);
  const summary = await fillStage(
    values.directory,
    { empty: false },
    reporter,
    async (directory) => await extract(opened.source, directory, options),
  );
  tellSeal(summary, unlocking.key, reporter);
  reporter.info(
    `${summary.members} files, ${formatBytes(summary.payloadBytes)} in ${values.directory}`,
  );
}

/** Only what is asked for: by its ranges, where the archive can be read at any offset. */
async function extractSome(
  globs: readonly string[],
  values: ExtractValues,
  opened: OpenedSource,
  run: Run,
): Promise<void> {
  const { reporter, signal, unlocking } = run;
  const include = new NamePatterns(globs);
  const { source, archive } = opened;
  const index = await indexOf(opened, unlocking.key, signal);
  let files = 0;
  const options = optionsOf(values, opened, run, () => (files += 1));
  const fill = async (directory: StagedDirectory): Promise<{ seal: Seal }> => {
    if (!archive || !index) return await extract(source, directory, { ...options, include });
    await extractMembers(archive, index, include, directory, options);
    return index;
  };
  if (archive && !index) reporter.info('no index can be read: the whole archive is');
  const { seal } = await fillStage(values.directory, { empty: false }, reporter, fill);
  tellSeal({ seal }, unlocking.key, reporter);
  for (const glob of include.missed) reporter.warn(`nothing matches ${glob}`);
  reporter.info(`${files} files in ${values.directory}`);
}

/** In the archive, or beside it where it was imported; undefined when there is none to be had. */
async function indexOf(
  { archive, backup }: OpenedSource,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<ArchiveIndex | undefined> {
  const members = backup?.promised;
  if (!archive || !members) return archive && (await readArchiveIndex(archive, { key }, signal));
  return { begin: undefined, seal: 'none', members, membersEnd: archive.size };
}

function optionsOf(
  { anyArchive = false, verbose = false }: ExtractValues,
  { totalBytes }: OpenedSource,
  { reporter, signal, unlocking }: Run,
  onMember: () => void = () => undefined,
): ReadOptions & ReadMembersOptions {
  return {
    ...unlocking,
    anyArchive,
    signal,
    onProgress: (bytes: number, ofThese: number | undefined = totalBytes) => {
      reporter.progress({ bytes, totalBytes: ofThese });
    },
    onMember: (path) => {
      onMember();
      if (verbose) reporter.info(path);
    },
  };
}
