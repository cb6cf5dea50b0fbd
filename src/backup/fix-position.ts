import { BackupError } from '../errors.ts';
import { type BinlogPosition, readBinlogPosition } from '../server/mariadb/binlog-position.ts';
import { readRedoStatus } from '../server/mariadb/redo-status.ts';
import type { CopyContext } from './copy-context.ts';
import type { CopyJob } from './copy/copy-messages.ts';
import type { LateFiles } from './copy-other-files.ts';
import { listAriaLogs } from './plan/other-files.ts';
import type { DdlRecord } from './redo/redo-messages.ts';

/** The one moment that a backup shows. */
export interface FixedPosition {
  /** Newest checkpoint. */
  toLsn: number;
  /** End of the copied redo. */
  lastLsn: number;
  binlog: BinlogPosition | undefined;
  commitsBlockedMs: number;
}

/**
 * Holds commits off for as long as it takes to fix where redo, binlog, Aria's
 * log and the server's own log tables stand; then releases every lock.
 */
export async function fixPosition(
  context: CopyContext,
  ddlFence: number,
  late: LateFiles,
): Promise<FixedPosition> {
  const { info, session, stages, pool, redo } = context;
  await stages.reach('BLOCK_COMMIT');
  const { currentLsn } = await readRedoStatus(session);
  // Makes the redo up to that LSN, and Aria's log, readable in the files.
  await session.run('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS');
  const binlog = info.binlogOn ? await readBinlogPosition(session) : undefined;
  const [{ checkpointLsn, lastLsn }] = await Promise.all([
    redo.reach(currentLsn),
    late.ariaTail?.finish(),
    pool.copy([...newAriaLogs(context, late), ...late.files]),
  ]);
  await stages.end();
  refuseLateDdl(redo.ddlAfter(ddlFence));
  return { toLsn: checkpointLsn, lastLsn, binlog, commitsBlockedMs: stages.commitsBlockedMs };
}

/** Aria logs that were begun since the others were copied. */
function newAriaLogs({ info }: CopyContext, { ariaLogs }: LateFiles): CopyJob[] {
  return listAriaLogs(info).logs.filter((log) => !ariaLogs.has(log.member));
}

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
