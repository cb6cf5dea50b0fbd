import { BackupStages } from '../../server/mariadb/backup-stages.ts';
import { type MariadbInfo, redoLogPath } from '../../server/mariadb/mariadb-info.ts';
import { neededPrivileges } from '../../server/mariadb/privileges.ts';
import { readRedoStatus } from '../../server/mariadb/redo-status.ts';
import { checkPrivileges } from '../../server/privileges.ts';
import type { Reporter } from '../../reporter.ts';
import type { Access, Session } from '../../server/session.ts';
import type { CopiedFile, CopyJob } from '../copy/copy-messages.ts';
import type { CopyContext } from '../copy-context.ts';
import type {
  BackupFacts,
  Course,
  FixedPosition,
  LockDdl,
  MetadataFile,
  RedoState,
} from '../course.ts';
import type { TablespaceFile } from '../plan/tablespace-file.ts';
import type { MariadbRedoLog } from '../redo/redo-messages.ts';
import { copyOtherFiles } from './copy-other-files.ts';
import { fixPosition } from './fix-position.ts';
import { followDdl } from './follow-ddl.ts';
import { LiveRedoLog } from './live-redo-log.ts';
import { metadataFiles } from './metadata-files.ts';
import { listAriaLogs, listOtherFiles } from './other-files.ts';
import { listTablespaceFiles } from './tablespace-files.ts';

/** A backup of MariaDB: BACKUP STAGE lets tables be copied while DDL goes on. */
export class MariadbCourse implements Course {
  readonly info: MariadbInfo;
  readonly redoLog: MariadbRedoLog;
  readonly redoMember = 'ib_logfile0';
  readonly ddlGoesOn = true;
  readonly #stages: BackupStages;
  readonly #lockDdl: LockDdl;

  private constructor(info: MariadbInfo, stages: BackupStages, lockDdl: LockDdl) {
    this.info = info;
    const creator = `Backup ${info.series.join('.')}`;
    this.redoLog = { flavour: 'mariadb', path: redoLogPath(info), creator };
    this.#stages = stages;
    this.#lockDdl = lockDdl;
  }

  static async open(
    info: MariadbInfo,
    session: Session,
    options: { access: Access; lockTimeoutSeconds: number; lockDdl?: LockDdl | undefined },
  ): Promise<MariadbCourse> {
    await checkPrivileges(session, neededPrivileges(info));
    const stages = await BackupStages.open(options.access, options);
    return new MariadbCourse(info, stages, options.lockDdl ?? 'REDUCED');
  }

  async lock(): Promise<void> {
    await this.#stages.reach(this.#lockDdl === 'ON' ? 'BLOCK_DDL' : 'START');
  }

  trackPages(_since: unknown, reporter: Reporter): Promise<undefined> {
    reporter.warn('MariaDB has no page tracking: increments read every page');
    return Promise.resolve(undefined);
  }

  describeTracking(): Promise<string> {
    return Promise.resolve('MariaDB has none');
  }

  narrow(files: readonly TablespaceFile[]): Promise<TablespaceFile[]> {
    return Promise.resolve([...files]);
  }

  listTablespaces(): Promise<TablespaceFile[]> {
    return Promise.resolve(listTablespaceFiles(this.info));
  }

  listOtherFiles(): CopyJob[] {
    const { settled, late } = listOtherFiles(this.info);
    const { control, logs } = listAriaLogs(this.info);
    return [...settled, ...late, ...(control ? [control] : []), ...logs];
  }

  async readRedo(session: Session): Promise<RedoState> {
    const log = LiveRedoLog.open(this.redoLog.path);
    try {
      const checkpointLsn = Number(log.checkpoint().checkpointLsn);
      const { currentLsn } = await readRedoStatus(session);
      const { capacity, firstLsn: beganLsn } = log.ring;
      return { checkpointLsn, currentLsn, beganLsn, capacity };
    } finally {
      log.close();
    }
  }

  /** MariaDB cannot do without. */
  readRedoGap(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async fixPosition(context: CopyContext, copied: readonly CopiedFile[]): Promise<FixedPosition> {
    const { info } = this;
    const stages = this.#stages;
    context.reporter.info('waiting for BACKUP STAGE BLOCK_DDL');
    await stages.reach('BLOCK_DDL');
    const ddlFence = await followDdl(context, info, copied);
    const held = await copyOtherFiles(context, info);
    return await fixPosition(context, { info, stages }, ddlFence, held);
  }

  metadataFiles(facts: BackupFacts): MetadataFile[] {
    return metadataFiles(this.info, facts);
  }

  async close(): Promise<void> {
    await this.#stages.close();
  }
}
