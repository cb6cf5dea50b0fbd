import { BackupError } from '../errors.ts';
import { previewChain } from '../chain/preview-chain.ts';
import type { Reporter } from '../reporter.ts';
import { type PreviewedLink, type RestorePreview, previewRestore } from '../restore/preview.ts';
import type { RestoreOptions } from '../restore/restore.ts';
import { formatBytes } from './console-reporter.ts';
import type { OpenedChain } from './open-chain.ts';
import type { OpenedSource } from './open-source.ts';
import { printAnswer } from './print-answer.ts';

/** `restore --preview`: every check, nothing written; what would be done goes to standard output. */
export async function printRestorePreview(
  chain: OpenedChain,
  options: Pick<RestoreOptions, 'datadir' | 'key' | 'serverBinary'> & { json: boolean },
  { reporter, signal }: { reporter: Reporter; signal: AbortSignal },
): Promise<void> {
  const preview = await previewOf(chain, options, signal);
  if (preview.freeBytes < preview.plainBytes) {
    const [free, needed] = [preview.freeBytes, preview.plainBytes].map(formatBytes);
    reporter.warn(`${free} are free at ${options.datadir}, ${needed} are needed`);
  }
  printAnswer(options.json, preview, rowsOf(preview, options));
  reporter.info('a preview: nothing was restored');
}

async function previewOf(
  chain: OpenedChain,
  options: Pick<RestoreOptions, 'datadir' | 'key' | 'serverBinary'>,
  signal: AbortSignal,
): Promise<RestorePreview> {
  if ('links' in chain) return await previewChain(chain.links, options);
  const { archive, backup } = chain.opened;
  if (!archive) throw noPreview(chain.opened);
  return await previewRestore({ archive, backup }, options, signal);
}

function noPreview({ source, layout }: OpenedSource): BackupError {
  if (layout === 'xbcloud') {
    return new BackupError('usage', `${source.name} has no index: no preview`, {
      hint: 'what xbcloud put there is only known when all of it is read: restore it, or verify it',
    });
  }
  return new BackupError('usage', '--preview looks into a stored archive', {
    hint: 'name it with --from: standard input, as any pipe, can only be read once',
  });
}

function rowsOf(
  preview: RestorePreview,
  { datadir }: Pick<RestoreOptions, 'datadir'>,
): [string, string][] {
  const { backup, compression, encryption, server, freeBytes } = preview;
  return [
    ['backup', `${backup.backupId}, begun ${backup.startedAt}`],
    ...(preview.chain ?? []).map(rowOf),
    ['of', `${backup.flavour} ${backup.serverVersion}`],
    ['to be read', `${formatBytes(preview.archiveBytes)} in ${preview.requests} requests`],
    ['compression', compression ?? 'none'],
    ['encryption', encryption === undefined ? 'none' : `${encryption}, the key fits`],
    ['to be written', `${preview.members} files, ${formatBytes(preview.plainBytes)}`],
    ['data directory', `${datadir}, ${formatBytes(freeBytes)} free`],
    ['recovered by', `${server.path} (${server.version})`],
  ];
}

function rowOf(
  { name, backupId, redoStart, lastLsn }: PreviewedLink,
  at: number,
): [string, string] {
  const lsns = `LSN ${redoStart}${lastLsn === undefined ? '' : ` to ${lastLsn}`}`;
  return [`link ${at + 1}`, `${name}: ${backupId}, ${lsns}`];
}
