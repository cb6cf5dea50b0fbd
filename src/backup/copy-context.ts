import type { Members } from '../archive/member-store.ts';
import type { Reporter } from '../reporter.ts';
import type { Session } from '../server/session.ts';
import type { CleanUp } from './clean-up.ts';
import type { CopyPool } from './copy/copy-pool.ts';
import type { BackupProgress } from './progress.ts';
import type { RedoTail } from './redo/redo-tail.ts';

/** What the steps of a backup work with. */
export interface CopyContext {
  session: Session;
  store: Members;
  pool: CopyPool;
  redo: RedoTail;
  progress: BackupProgress;
  reporter: Reporter;
  cleanUp: CleanUp;
  isIncrement: boolean;
  /** For what must be read at once, whether the sink takes it or not. */
  spoolDirectory: string;
}
