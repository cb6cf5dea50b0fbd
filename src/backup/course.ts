import type { PageTracking } from '../../formats/archive-record/index.ts';
import type { EndPosition } from '../archive/member-store.ts';
import type { Reporter } from '../reporter.ts';
import type { ServerInfo } from '../server/server-info.ts';
import type { Encoding } from '../transform/encoding.ts';
import type { Session } from '../server/session.ts';
import type { CopiedFile, CopyJob } from './copy/copy-messages.ts';
import type { CopyContext } from './copy-context.ts';
import type { TablespaceFile } from './plan/tablespace-file.ts';
import type { RedoLogPlace } from './redo/redo-messages.ts';

export type LockDdl = 'ON' | 'REDUCED';

/** The one moment that a backup shows, and what it cost to fix it. */
export interface FixedPosition extends EndPosition {
  commitsBlockedMs: number;
}

/** What a finished copy knows of itself. */
export interface BackupFacts extends FixedPosition {
  backupId: string;
  startedAt: Date;
  endedAt: Date;
  /** The command line, secrets masked. */
  command: string;
  format: 'file' | 'xbstream';
  encoding: Encoding;
  /** Of an increment: the LSN that its parent ended with by the words of stock tools. */
  fromLsn: number | undefined;
}

/** A metadata file: its name in the backup and its bytes. */
export interface MetadataFile {
  name: string;
  bytes: Uint8Array;
}

/** How much redo there is to copy, and how much fits the log. */
export interface RedoState {
  /** Newest checkpoint LSN. */
  checkpointLsn: number;
  currentLsn: number;
  /** First LSN of the log, where a server that is restored begins a new one. */
  beganLsn?: number | undefined;
  /** Bytes. */
  capacity: number;
}

/** What MariaDB and MySQL do each in their own way, in the order that a backup asks for it. */
export interface Course {
  readonly info: ServerInfo;
  readonly redoLog: RedoLogPlace;
  /** Whether tables may come and go while they are copied; `fixPosition` makes good for it then. */
  readonly ddlGoesOn: boolean;
  /** What the copied redo is called in the backup. */
  readonly redoMember: string;
  /** Takes the locks that the tablespaces are copied under. */
  lock(): Promise<void>;
  /**
   * Lets the server note the pages that it writes from now on, and go on noting them `since` the
   * parent; undefined, and a warning, where it cannot. Under the locks, and before the redo log is
   * read.
   */
  trackPages(
    since: PageTracking | undefined,
    reporter: Reporter,
  ): Promise<PageTracking | undefined>;
  /** Whether it does so by now, in words. */
  describeTracking(): Promise<string>;
  /** Every InnoDB file, the largest first. */
  listTablespaces(): Promise<TablespaceFile[]>;
  /**
   * The same files, with the pages that the server wrote since `since`: no other has to be looked
   * at. All of them, and a warning, where it does not tell. When the redo log is followed already.
   */
  narrow(
    files: readonly TablespaceFile[],
    since: PageTracking | undefined,
    reporter: Reporter,
  ): Promise<TablespaceFile[]>;
  /** Files other than InnoDB's, as they are now. */
  listOtherFiles(): CopyJob[];
  /** The redo log as it is now. */
  readRedo(session: Session): Promise<RedoState>;
  /** When redo logging was off since a moment, in words; undefined: never. */
  readRedoGap(session: Session, since: Date): Promise<string | undefined>;
  /**
   * From the last tablespace to the one moment that the backup shows: makes good
   * what DDL did, copies what is not InnoDB's, lets the redo end there. No lock is
   * left when it resolves.
   */
  fixPosition(context: CopyContext, copied: readonly CopiedFile[]): Promise<FixedPosition>;
  /** The text files that stock tools and scripts read, in their order. */
  metadataFiles(facts: BackupFacts): MetadataFile[];
  /** Releases every lock, on every path. Never throws. */
  close(): Promise<void>;
}
