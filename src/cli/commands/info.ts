import type { Command } from 'commander';
import { isIncrement } from '../../../formats/archive-record/index.ts';
import type { CataloguedBackup } from '../../catalogue/chains.ts';
import { findBackup } from '../../catalogue/find-backup.ts';
import { readCatalogue } from '../../catalogue/read-catalogue.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { parentOf, parsePlace } from '../../store/place-url.ts';
import { formatBytes } from '../console-reporter.ts';
import { backupFields, stateOf, storedBytes } from '../describe-backup.ts';
import { openPlace } from '../open-place.ts';
import { type Row, printAnswer } from '../print-answer.ts';
import type { CommandContext } from '../run-command.ts';
import { shown } from '../../shown.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';

interface InfoValues extends StoreValues {
  json?: boolean;
}

export function infoCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('info')
    .description('Shows everything that is known of one backup without reading its archive')
    .argument('<url>', 'the backup: a path, a file: or s3: URL');
  addStoreOptions(command);
  context.register(command, async (values: InfoValues, { reporter, signal, args }) => {
    const { parent, name } = parentOf(parsePlace(args[0] ?? ''));
    const store = await openPlace(parent, storeAccessOf(values, reporter, signal));
    const backup = findBackup(store, await readCatalogue(store, signal), name);
    const rows = rowsOf(store, backup).map(([label, value]): Row => [label, shown(value)]);
    printAnswer(values.json === true, backupFields(store, backup), rows);
  });
}

function rowsOf(store: ObjectStore, backup: CataloguedBackup): Row[] {
  const { name, manifest, children } = backup;
  const { backupId, tool, flavour, serverVersion, pageSize } = manifest;
  const { compression = 'none', encryption = 'none', objects, index } = manifest;
  return [
    ['backup', store.urlOf(name)],
    ['state', stateOf(backup)],
    ['id', backupId],
    ['type', typeOf(backup)],
    ...children.map((child): Row => ['increment on it', child.name]),
    ['server', `${flavour} ${serverVersion}, pages of ${pageSize} bytes`],
    ['written by', tool],
    ['started', manifest.startedAt],
    ['finished', manifest.finishedAt],
    ...positionRows(backup),
    ['compression', compression],
    ['encryption', encryption],
    ['files', `${manifest.members}, ${formatBytes(manifest.plainBytes)} restored`],
    ['stored', formatBytes(storedBytes(backup))],
    ...objects.map((object): Row => ['object', `${object.name}, ${object.size} bytes`]),
    ...(index === undefined ? [] : [['index', index] satisfies Row]),
  ];
}

function typeOf({ manifest, parent }: CataloguedBackup): string {
  if (!isIncrement(manifest)) return 'full';
  return `incremental on ${parent?.name ?? manifest.parentId ?? 'a backup that it does not name'}`;
}

function positionRows({ manifest }: CataloguedBackup): Row[] {
  const { redoStart, toLsn, lastLsn, binlog } = manifest;
  const lsn: Row[] = [
    ['redo', `from checkpoint LSN ${redoStart} to LSN ${lastLsn}`],
    ['newest checkpoint', `LSN ${toLsn}`],
  ];
  if (!binlog) return [...lsn, ['binlog', 'off']];
  const { file, position, gtid } = binlog;
  return [...lsn, ['binlog', `${file}:${position}`], ['GTID', gtid === '' ? 'none' : gtid]];
}
