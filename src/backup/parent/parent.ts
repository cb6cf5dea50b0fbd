import type { PageTracking } from '../../../formats/archive-record/index.ts';
import type { Flavour } from '../../server/flavour.ts';
import type { LastRestore } from './last-restore.ts';

/** The backup that an increment is taken on, as far as it is known. LSNs are numbers of bytes. */
export interface Parent {
  /** In messages: its path or URL. */
  name: string;
  /** Undefined for one that has no id of ours. */
  backupId?: string | undefined;
  /** Its redo starts there: a page with an older LSN has not changed since it was copied. */
  redoStart: number;
  /** Its newest checkpoint, which stock tools tell a chain by. */
  toLsn: number;
  /** Where its redo ends. Undefined: of the parent nothing but an LSN was named. */
  lastLsn?: number | undefined;
  flavour?: Flavour | undefined;
  serverVersion?: string | undefined;
  /** innodb_page_size, bytes. */
  pageSize?: number | undefined;
  /** What its server called itself. */
  serverId?: string | undefined;
  /** First LSN of its server's redo log. */
  redoBegan?: number | undefined;
  /** What its server was restored from; undefined where nobody can know. */
  lastRestore?: LastRestore | undefined;
  /** What page tracking needs to be asked for what its server wrote since. */
  pageTracking?: PageTracking | undefined;
  /** What it is encrypted with. */
  encryption?: string | undefined;
  /** Tells its key. */
  keyCheck?: string | undefined;
  startedAt?: Date | undefined;
  /** Whether nobody has removed it meanwhile; undefined where that cannot be asked. */
  isThere?: (() => Promise<boolean>) | undefined;
  /** Ids of the tablespaces in it; undefined where they are not known. */
  knownSpaces?: Uint32Array | undefined;
}

/** `--incremental-lsn`: nothing of the parent is known, and nothing can be checked. */
export function parentByLsn(lsn: number): Parent {
  return { name: `a backup whose redo starts at LSN ${lsn}`, redoStart: lsn, toLsn: lsn };
}
