import type { Reporter } from '../reporter.ts';
import { prepare } from '../restore/prepare.ts';
import { requireServer } from '../restore/require-server.ts';
import type { RestoreOptions } from '../restore/restore.ts';
import { fillStage } from '../sink/fill-stage.ts';
import { chainLayout } from './chain-layout.ts';
import { layChain } from './lay-chain.ts';
import type { StoredLink } from './link.ts';

/**
 * From the archives of a chain, the full backup first, to a data directory: their pages are laid
 * over each other as they are read, then the server recovers what a full backup would be now.
 */
export async function restoreChain(
  links: readonly StoredLink[],
  options: Pick<RestoreOptions, 'datadir' | 'scratch' | 'key' | 'serverBinary' | 'serverArguments'>,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const { datadir, scratch = false, key } = options;
  const layout = chainLayout(links);
  for (const { link, bytes } of layout.readings) {
    reporter.info(`${link.name} (${link.begin.backupId}): ${bytes} bytes are read`);
  }
  await fillStage(datadir, { empty: true, scratch }, reporter, async (directory) => {
    const newest = links.at(-1);
    if (newest) await requireServer(newest.begin, options, directory.stage);
    await layChain(layout, directory, {
      key,
      signal,
      onProgress: (bytes, totalBytes) => {
        reporter.progress({ bytes, totalBytes });
      },
    });
    reporter.info(`${links.length} backups are laid over each other`);
    await prepare(directory.stage, { ...options, disposable: true }, reporter, signal);
  });
  if (!scratch) reporter.info(`${datadir} is ready to be started on`);
}
