import type { Command } from 'commander';
import { type Expiry, planExpiry } from '../../catalogue/expiry.ts';
import { type Catalogue, readCatalogue } from '../../catalogue/read-catalogue.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { shown } from '../../shown.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { parsePlace } from '../../store/place-url.ts';
import { type ConfirmValues, addConfirmOption } from '../confirmed.ts';
import { nameOf } from '../describe-backup.ts';
import { deleteIfConfirmed, deletionFields } from '../describe-deletion.ts';
import { openPlace } from '../open-place.ts';
import { parseCount } from '../parse-values.ts';
import { printTable } from '../print-answer.ts';
import { tableText } from '../print-table.ts';
import type { CommandContext } from '../run-command.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import { warnIfEmpty } from '../warn-if-empty.ts';

interface ExpireValues extends StoreValues, ConfirmValues {
  keepFull?: number;
  keepDays?: number;
  json?: boolean;
}

export function expireCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('expire')
    .description('Deletes whole chains that no rule keeps; without --yes it only shows them')
    .argument('<url>', 'a directory or a bucket: a path, a file: or s3: URL')
    .option(
      '--keep-full <n>',
      'keep the newest full backups of each directory, so many, and their increments',
      parseCount,
    )
    .option('--keep-days <days>', 'keep what leads back to any moment of so many days', parseCount);
  addConfirmOption(command);
  addStoreOptions(command);
  context.register(command, async (values: ExpireValues, run) => {
    const isMeant = values.yes === true;
    const { keepFull, keepDays } = values;
    if (keepFull === undefined && keepDays === undefined) {
      throw new BackupError('usage', 'expire wants --keep-full, --keep-days, or both');
    }
    const place = parsePlace(run.args[0] ?? '');
    const store = await openPlace(place, storeAccessOf(values, run.reporter, run.signal));
    const catalogue = await readCatalogue(store, run.signal);
    const expiry = planExpiry(catalogue, { full: keepFull, days: keepDays }, new Date());
    warnIfEmpty(store, catalogue, run.reporter);
    tellBroken(expiry, catalogue, run.reporter);
    const fields = { dryRun: !isMeant, ...fieldsOf(store, expiry) };
    printTable(values.json === true, fields, tableOf(expiry));
    await deleteIfConfirmed(store, expiry.deletion, isMeant, run);
  });
}

/** What is broken neither counts nor goes: somebody has to look at it. */
function tellBroken({ chains }: Expiry, { unreadable }: Catalogue, reporter: Reporter): void {
  const broken = chains.filter(({ verdict }) => verdict === 'broken');
  for (const { first, reason } of broken) {
    reporter.warn(`${nameOf(first)} does not count and is left: ${shown(reason)}`);
  }
  for (const { name, error } of unreadable) {
    reporter.warn(`${nameOf({ name })} does not count and is left: ${shown(error.message)}`);
  }
  if (broken.length > 0) {
    reporter.info('what is broken and of no use is removed with: xbpipe delete --chain URL/NAME');
  }
}

function fieldsOf(store: ObjectStore, { chains, deletion }: Expiry): object {
  const judged = chains.map(({ backups, verdict, reason }) => ({
    backups: backups.map(({ name }) => name),
    verdict,
    reason,
  }));
  return { chains: judged, ...deletionFields(store, deletion) };
}

function tableOf({ chains }: Expiry): string {
  const columns = [
    { heading: 'CHAIN' },
    { heading: 'BACKUPS', alignRight: true },
    { heading: 'FROM' },
    { heading: 'TO' },
    { heading: 'VERDICT' },
    { heading: 'REASON' },
  ];
  const rows = chains.map(({ first, backups, verdict, reason }) => [
    nameOf(first),
    String(backups.length),
    first.manifest.startedAt,
    backups
      .map(({ manifest }) => manifest.finishedAt)
      .sort()
      .at(-1) ?? '',
    verdict,
    reason,
  ]);
  return tableText(columns, rows);
}
