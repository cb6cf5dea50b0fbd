import { BackupError } from '../../errors.ts';
import type { BackupStages } from '../../server/mariadb/backup-stages.ts';
import { readBinlogPosition } from '../../server/mariadb/binlog-position.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import { readRedoStatus } from '../../server/mariadb/redo-status.ts';
import type { CopyContext } from '../copy-context.ts';
import type { FixedPosition } from '../course.ts';
import { holdFiles } from './copy-other-files.ts';
import type { HeldFile } from '../held-file.ts';
import { listAriaLogs } from './other-files.ts';
import type { DdlRecord } from '../redo/redo-messages.ts';

/**
 * Holds commits off for as long as it takes to fix where redo, binlog, Aria's log
 * and the server's own log tables stand. Meanwhile it only reads: everything goes
 * to the store when every lock is released.
 */
export async function fixPosition(
  context: CopyContext,
  server: { info: MariadbInfo; stages: BackupStages },
  ddlFence: number,
  copiedAhead: HeldFile[],
): Promise<FixedPosition> {
  const { session, redo, reporter } = context;
  const { info, stages } = server;
  if (info.flushSeconds > 1) reporter.warn(slowFlush(info));
  await stages.reach('BLOCK_COMMIT');
  const { currentLsn } = await readRedoStatus(session);
  // Makes Aria's log readable in the files, and the redo up to that LSN where commits do so too.
  await session.run('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS');
  const binlog = info.binlogOn ? await readBinlogPosition(session) : undefined;
  const reached = redo.reach(currentLsn);
  // Awaited below; until then a failure of what comes in between must stay the one that is told.
  reached.catch(() => undefined);
  const held = [...copiedAhead, ...holdNewAriaLogs(context, info, copiedAhead)];
  for (const file of held) file.hold();
  const { checkpointLsn, lastLsn } = await reached;
  await stages.end();
  refuseLateDdl(redo.ddlAfter(ddlFence));
  for (const file of held) await file.release();
  return { toLsn: checkpointLsn, lastLsn, binlog, commitsBlockedMs: stages.commitsBlockedMs };
}

function slowFlush({ flushSeconds }: MariadbInfo): string {
  return (
    `commits are held for up to ${flushSeconds} s: so long the server may wait to make redo durable ` +
    '(innodb_flush_log_at_trx_commit is not 1, innodb_flush_log_at_timeout)'
  );
}

/** Aria logs that were begun since the others were copied. */
function holdNewAriaLogs(
  context: CopyContext,
  info: MariadbInfo,
  copiedAhead: readonly HeldFile[],
): HeldFile[] {
  const newest = copiedAhead.map(({ member }) => member).find((name) => isAriaLog.test(name)) ?? '';
  const begun = listAriaLogs(info).logs.filter(({ member }) => member > newest);
  return holdFiles(context, begun);
}

const isAriaLog = /^aria_log\.\d+$/;

/** DDL was held off since the fence, so the log must not show any but what the server does by itself. */
function refuseLateDdl(records: readonly DdlRecord[]): void {
  const late = records.find(({ path }) => !/\/(#sql|FTS_)/.test(path));
  if (!late) return;
  throw new BackupError(
    'lock',
    `${late.path} was hit by a ${late.type} at LSN ${late.lsn}, after DDL was locked out`,
    { where: { path: late.path, lsn: late.lsn }, hint: 'try again' },
  );
}
