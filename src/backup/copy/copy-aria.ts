import { fstatSync } from 'node:fs';
import type { CopyJob } from './copy-messages.ts';
import type { BlockFile } from './copy-tablespace.ts';

export function planAria(fd: number, job: CopyJob): BlockFile {
  const { size } = fstatSync(fd);
  return { fd, path: job.source, blockSize: 1, size, mayShrink: false, check: undefined };
}
