import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { JobPool } from '../worker/job-pool.ts';
import type { BackupDirectory } from './backup-directory.ts';

/** One tablespace file to check. */
export interface PageJob {
  path: string;
}

export interface PageResult {
  pages: number;
}

export interface PageThreadData {
  /** No page of the backup may be younger than its redo. */
  lastLsn: number;
}

/**
 * Reads every page of every tablespace: checksum, page number, and an LSN within
 * the redo that came with it. Returns the pages checked.
 */
export async function checkPages(backup: BackupDirectory): Promise<number> {
  const data: PageThreadData = { lastLsn: backup.lastLsn };
  const threads = Math.min(4, availableParallelism());
  const pool = new JobPool<PageJob, PageResult>(
    threads,
    import.meta.url,
    'check-pages-thread',
    data,
  );
  const results = await pool.run(tablespaces(backup));
  return results.reduce((sum, { pages }) => sum + pages, 0);
}

/** Tablespaces by name; the largest come first. */
function tablespaces({ path, options }: BackupDirectory): PageJob[] {
  const system = (options.get('innodb_data_file_path') ?? 'ibdata1')
    .split(';')
    .map((part) => part.split(':')[0] ?? '');
  const files: string[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isDirectory()) {
      const inside = readdirSync(join(path, name)).filter((file) => /\.(ibd|new)$/.test(file));
      files.push(...inside.map((file) => join(path, name, file)));
    } else if (system.includes(name) || /^undo\d{3}$/.test(name)) files.push(join(path, name));
  }
  return files
    .map((file) => ({ path: file, size: statSync(file).size }))
    .sort((a, b) => b.size - a.size)
    .map(({ path: file }) => ({ path: file }));
}
