import { isIncrement } from '../../formats/archive-record/index.ts';
import type { ArchiveSummary } from '../archive/archive-checker.ts';
import type { Reporter } from '../reporter.ts';
import { fillStage } from '../sink/fill-stage.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { BackupError } from '../errors.ts';
import { extract } from './extract.ts';
import { type PrepareOptions, prepare } from './prepare.ts';
import { requireServer } from './require-server.ts';

export interface RestoreOptions extends PrepareOptions {
  datadir: string;
  /** The data directory is a trial: the caller removes it, whatever comes of it. */
  scratch?: boolean;
  totalBytes: number | undefined;
  /** Of an encrypted backup. */
  key?: Uint8Array | undefined;
  /** Called when the archive is proved whole, before anything is recovered. */
  onArchive?: (summary: ArchiveSummary) => void;
}

/**
 * From an archive to a data directory in one go: extract, check, recover. It
 * happens below the data directory and moves up when the server has recovered it.
 */
export async function restore(
  source: ByteSource,
  options: RestoreOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const { datadir, scratch = false, totalBytes, key, onArchive } = options;
  await fillStage(datadir, { empty: true, scratch }, reporter, async (directory) => {
    const summary = await extract(source, directory, {
      decoding: { decompress: true, key },
      key,
      needKey: true,
      onBegin: async (begin) => {
        if (isIncrement(begin)) throw alone(source.name);
        await requireServer(begin, options, directory.stage);
      },
      signal,
      onProgress: (bytes) => {
        reporter.progress({ bytes, totalBytes });
      },
    });
    onArchive?.(summary);
    reporter.info('the archive is whole');
    await prepare(directory.stage, { ...options, disposable: true }, reporter, signal);
  });
  if (!scratch) reporter.info(`${datadir} is ready to be started on`);
}

function alone(name: string): BackupError {
  return new BackupError('chain', `${name} is an increment: alone it is no backup`, {
    hint:
      'a backup that has a manifest finds its chain by itself; otherwise name every link, ' +
      'the full backup first: --from FULL --from INCREMENT',
    where: { path: name },
  });
}
