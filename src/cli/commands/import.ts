import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BackupError } from '../../errors.ts';
import { importArchive } from '../../import/import-archive.ts';
import { openStore } from '../../store/open-store.ts';
import { type Place, parentOf, parsePlace } from '../../store/place-url.ts';
import { keyOf } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import type { CommandContext } from '../run-command.ts';
import { type StoreWriteValues, addObjectOptions, storeAccessOf } from '../store-options.ts';

interface ImportValues extends KeyValues, StoreWriteValues {
  to?: string;
}

export function importCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('import')
    .description('Makes a backup of an archive by a stock tool where it lies: index and manifest')
    .argument('<archive>', 'object or file: a path, a file: or s3: URL')
    .option(
      '--to <target>',
      "the backup's name, or its path or URL, beside the archive (default: the archive's without extension)",
    );
  addKeyOptions(command);
  addObjectOptions(command);
  context.register(command, async (values: ImportValues, { reporter, signal, args }) => {
    const { parent, name: archiveKey } = parentOf(parsePlace(args[0] ?? ''));
    const name = values.to === undefined ? defaultName(archiveKey) : nameBeside(values.to, parent);
    const key = keyOf(values, reporter);
    const store = await openStore(parent, storeAccessOf(values, reporter));
    const onProgress = (bytes: number, totalBytes: number): void => {
      reporter.progress({ bytes, totalBytes });
    };
    const manifest = await importArchive(store, archiveKey, { name, key, onProgress, signal });
    const { backupId, members, redoStart, lastLsn } = manifest;
    reporter.info(
      `${store.urlOf(name)} is backup ${backupId}: ${members} files, LSN ${redoStart} to ${lastLsn}`,
    );
  });
}

/** `full.xbs` becomes `full`. */
function defaultName(archiveKey: string): string {
  const name = archiveKey.replace(/(?<=.)\.[^.]*$/, '');
  return name === archiveKey ? `${archiveKey}.imported` : name;
}

/**
 * What `--to` says: a name, or a path or URL of one. A manifest names its archive by where it lies:
 * one directory up, and nowhere else.
 */
function nameBeside(to: string, wanted: Place): string {
  const place = parsePlace(to);
  const isName = place.kind === 'file' && place.path === to && /^(?!\.{1,2}$)[^/]+$/.test(to);
  if (isName) return to;
  const { parent, name } = parentOf(place);
  if (isSame(parent, wanted)) return name;
  throw new BackupError('usage', `${to} does not lie beside the archive`, {
    hint: 'an archive is imported where it is: only the name of the backup can be chosen',
  });
}

function isSame(one: Place, other: Place): boolean {
  if (one.kind === 'file')
    return other.kind === 'file' && resolve(one.path) === resolve(other.path);
  return other.kind === 's3' && one.bucket === other.bucket && one.path === other.path;
}
