import { statSync } from 'node:fs';
import type { PageTracking } from '../../../formats/archive-record/index.ts';
import type { TablespaceEntry } from '../../../formats/metadata/index.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { InstanceLock } from '../../server/mysql/instance-lock.ts';
import { type MysqlInfo, redoDirectory } from '../../server/mysql/mysql-info.ts';
import { checkMysqlPrivileges } from '../../server/mysql/privileges.ts';
import { readRedoGap } from '../../server/mysql/redo-gap.ts';
import { readRedoStatus } from '../../server/mysql/redo-status.ts';
import type { Access, Session } from '../../server/session.ts';
import type { CopyContext } from '../copy-context.ts';
import type { CopyJob } from '../copy/copy-messages.ts';
import type {
  BackupFacts,
  Course,
  FixedPosition,
  LockDdl,
  MetadataFile,
  RedoState,
} from '../course.ts';
import type { TablespaceFile } from '../plan/tablespace-file.ts';
import type { MysqlRedoLog } from '../redo/redo-messages.ts';
import { fixPosition } from './fix-position.ts';
import { LiveRedoFiles } from './live-redo-files.ts';
import { metadataFiles } from './metadata-files.ts';
import { listOtherFiles } from './other-files.ts';
import { describeTracking, narrowToTracked, trackPages } from './page-tracking.ts';
import { planTablespaces } from './tablespace-files.ts';

interface MysqlCourseOptions {
  access: Access;
  lockTimeoutSeconds: number;
  lockDdl?: LockDdl | undefined;
  registerConsumer: boolean;
}

/** A backup of MySQL: LOCK INSTANCE FOR BACKUP holds DDL off from the first page to the last. */
export class MysqlCourse implements Course {
  readonly info: MysqlInfo;
  readonly redoLog: MysqlRedoLog;
  readonly redoMember = 'xtrabackup_logfile';
  readonly ddlGoesOn = false;
  readonly #session: Session;
  readonly #lock: InstanceLock;
  #lockedLsn = 0;
  #moved: TablespaceEntry[] = [];
  #systemFiles: TablespaceFile[] = [];

  private constructor(info: MysqlInfo, session: Session, lock: InstanceLock, register: boolean) {
    this.info = info;
    this.redoLog = {
      flavour: 'mysql',
      directory: redoDirectory(info),
      encrypted: info.redoEncrypted,
      register,
    };
    this.#session = session;
    this.#lock = lock;
  }

  static async open(
    info: MysqlInfo,
    session: Session,
    options: MysqlCourseOptions,
  ): Promise<MysqlCourse> {
    refuseUnfit(info, options.lockDdl);
    await checkMysqlPrivileges(session);
    await readRedoStatus(session);
    const lock = await InstanceLock.open(options.access, options);
    return new MysqlCourse(info, session, lock, options.registerConsumer);
  }

  async lock(): Promise<void> {
    await this.#lock.lockInstance();
    this.#lockedLsn = (await readRedoStatus(this.#session)).flushedLsn;
  }

  async trackPages(
    since: PageTracking | undefined,
    reporter: Reporter,
  ): Promise<PageTracking | undefined> {
    return await trackPages(this.#session, since, reporter);
  }

  async describeTracking(): Promise<string> {
    return await describeTracking(this.#session);
  }

  async narrow(
    files: readonly TablespaceFile[],
    since: PageTracking | undefined,
    reporter: Reporter,
  ): Promise<TablespaceFile[]> {
    return await narrowToTracked(
      { session: this.#session, info: this.info, reporter },
      files,
      since,
    );
  }

  async listTablespaces(): Promise<TablespaceFile[]> {
    const { files, moved } = await planTablespaces(this.#session, this.info);
    this.#moved = moved;
    this.#systemFiles = files.filter(({ role }) => role === 'system');
    return files;
  }

  listOtherFiles(): CopyJob[] {
    return listOtherFiles(this.info).jobs;
  }

  async readRedo(session: Session): Promise<RedoState> {
    const log = new LiveRedoFiles(this.redoLog.directory);
    try {
      const { lsn: checkpointLsn } = log.checkpoint();
      const { currentLsn, capacity } = await readRedoStatus(session);
      return { checkpointLsn, currentLsn, capacity };
    } finally {
      log.close();
    }
  }

  async readRedoGap(session: Session, since: Date): Promise<string | undefined> {
    return await readRedoGap(session, since);
  }

  async fixPosition(context: CopyContext): Promise<FixedPosition> {
    return await fixPosition(context, { info: this.info, lock: this.#lock });
  }

  metadataFiles(facts: BackupFacts): MetadataFile[] {
    const lockedLsn = this.#lockedLsn;
    // Later than at the position: they may have grown since, but are never too short.
    const systemFiles = this.#systemFiles.map(({ member: name, source }) => {
      return { name, size: statSync(source).size };
    });
    return metadataFiles(this.info, { ...facts, lockedLsn, moved: this.#moved, systemFiles });
  }

  async close(): Promise<void> {
    await this.#lock.close();
  }
}

/** Settings that no restorable backup can be taken under. */
function refuseUnfit(info: MysqlInfo, lockDdl: LockDdl | undefined): void {
  if (lockDdl === 'REDUCED') {
    throw new BackupError('usage', 'MySQL needs --lock-ddl=ON: DDL waits during the whole copy', {
      hint: 'leave --lock-ddl out, or name ON',
    });
  }
  if (!info.performanceSchemaOn) {
    throw new BackupError('failed', 'the server runs without performance_schema', {
      hint: 'the position comes from performance_schema.log_status: start it with performance_schema=ON',
    });
  }
  if (!info.redoChecksumsOn) {
    throw new BackupError(
      'failed',
      'the redo log has no checksums: no server would recover from it',
      {
        hint: 'SET GLOBAL innodb_log_checksums = ON',
      },
    );
  }
}
