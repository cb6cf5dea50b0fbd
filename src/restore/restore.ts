import type { Reporter } from '../reporter.ts';
import { fillStage } from '../sink/fill-stage.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { extract } from './extract.ts';
import { type PrepareOptions, prepare } from './prepare.ts';

export interface RestoreOptions extends PrepareOptions {
  datadir: string;
  totalBytes: number | undefined;
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
  const { datadir, totalBytes } = options;
  await fillStage(datadir, { empty: true }, reporter, async (directory) => {
    await extract(source, directory, {
      signal,
      onProgress: (bytes) => {
        reporter.progress({ bytes, totalBytes });
      },
    });
    reporter.info('the archive is whole');
    await prepare(directory.stage, options, reporter, signal);
  });
  reporter.info(`${datadir} is ready to be started on`);
}
