import { join } from 'node:path';
import { planChunks, coalesce } from '../restore/chunk-plan.ts';
import type { RestorePreview } from '../restore/preview.ts';
import { requireServer } from '../restore/require-server.ts';
import type { RestoreOptions } from '../restore/restore.ts';
import { probeDirectory } from '../sink/probe-directory.ts';
import { stageName } from '../store/stage-name.ts';
import { chainLayout, filesOf } from './chain-layout.ts';
import type { StoredLink } from './link.ts';

/** Makes every check of the restore of a chain that can be made before its pages are read. */
export async function previewChain(
  links: readonly [StoredLink, ...StoredLink[]],
  { datadir, serverBinary }: Pick<RestoreOptions, 'datadir' | 'serverBinary'>,
): Promise<RestorePreview> {
  const { plan, readings } = chainLayout(links);
  const { begin } = links.at(-1) ?? links[0];
  const freeBytes = await probeDirectory(datadir);
  const server = await requireServer(begin, { serverBinary }, join(datadir, stageName));
  const files = filesOf(plan);
  const { backupId, flavour, serverVersion, startedAt, redoStart } = begin;
  return {
    links: links.length,
    chain: links.map(({ name, begin: record, lastLsn }) => ({
      name,
      backupId: record.backupId,
      redoStart: record.redoStart,
      lastLsn,
    })),
    backup: { backupId, flavour, serverVersion, startedAt, redoStart },
    compression: begin.compression,
    encryption: begin.encryption,
    archiveBytes: readings.reduce((sum, { bytes }) => sum + bytes, 0),
    requests: readings.reduce(
      (sum, { link, wanted }) =>
        sum + link.archive.requestsOf(coalesce(planChunks(wanted, link.index))),
      0,
    ),
    members: files.length,
    plainBytes: files.reduce((sum, { size }) => sum + size, 0),
    freeBytes,
    server,
  };
}
