import { statSync } from 'node:fs';
import type { CopyJob } from '../copy/copy-messages.ts';

/** One data file of InnoDB and its place in the backup. */
export interface TablespaceFile extends CopyJob {
  kind: 'tablespace';
  role: 'system' | 'undo' | 'table';
  size: number;
  /** As the server's dictionary has it. */
  spaceId?: number | undefined;
}

/** Undefined when there is no such file (any more). */
export function tablespaceFile(
  file: Pick<TablespaceFile, 'source' | 'member' | 'role' | 'mayShrink' | 'continues' | 'spaceId'>,
): TablespaceFile | undefined {
  const stat = file.source === '' ? undefined : statSync(file.source, { throwIfNoEntry: false });
  return stat && { kind: 'tablespace', ...file, size: stat.size };
}

/** The order to copy in: no thread is left alone with the largest at the end. */
export function largestFirst(files: readonly TablespaceFile[]): TablespaceFile[] {
  return [...files].sort((a, b) => b.size - a.size);
}
