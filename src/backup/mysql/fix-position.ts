import { writeMember } from '../../archive/write-member.ts';
import type { InstanceLock } from '../../server/mysql/instance-lock.ts';
import { readLogStatus } from '../../server/mysql/log-status.ts';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import type { CopyContext } from '../copy-context.ts';
import type { FixedPosition } from '../course.ts';
import { refuseVanished } from '../refuse-vanished.ts';
import { copyBinlog } from './copy-binlog.ts';
import { type OtherFiles, listOtherFiles } from './other-files.ts';

/**
 * Copies what is not InnoDB's and fixes where redo, binlog and GTIDs stand at one
 * moment. Every change is held off for as long as that takes only where it must be.
 */
export async function fixPosition(
  context: CopyContext,
  { info, lock }: { info: MysqlInfo; lock: InstanceLock },
): Promise<FixedPosition> {
  const { session, redo, reporter } = context;
  const others = listOtherFiles(info);
  const reason = reasonToLock(info, others);
  if (reason !== undefined) {
    reporter.info(`waiting for FLUSH TABLES WITH READ LOCK: ${reason}`);
    await lock.lockTables();
  }
  await copyOtherFiles(context, others);
  // Only at a rotation the server saves the GTIDs of transactions outside of InnoDB.
  if (info.binlogOn) await session.run('FLUSH NO_WRITE_TO_BINLOG BINARY LOGS');
  // Where nothing holds commits off the server writes on: what is copied before the position is
  // known may be behind it.
  await redo.hold();
  const { lsn, checkpointLsn, binlog } = await readLogStatus(session);
  // Makes the redo up to that LSN readable in the files.
  await session.run('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS');
  const { lastLsn } = await redo.reach(lsn);
  await lock.unlockTables();
  if (binlog) await copyBinlog(context, info, binlog);
  await lock.end();
  return { toLsn: checkpointLsn, lastLsn, binlog, commitsBlockedMs: lock.commitsBlockedMs };
}

/** Why changes must be held off, or undefined. */
function reasonToLock({ redoEncrypted }: MysqlInfo, { anyRows }: OtherFiles): string | undefined {
  if (anyRows) return 'there are tables outside of InnoDB';
  // Its last block cannot be cut: nothing may be committed behind the position.
  return redoEncrypted ? 'the redo log is encrypted' : undefined;
}

async function copyOtherFiles(context: CopyContext, others: OtherFiles): Promise<void> {
  const { store, pool, reporter } = context;
  reporter.info(`copying ${others.jobs.length} other files`);
  refuseVanished(await pool.copy(others.jobs));
  for (const database of others.emptyDatabases) {
    await writeMember(store, `${database}/db.opt`, new Uint8Array(0));
  }
}
