import { basename, resolve } from 'node:path';
import { BackupError } from '../../errors.ts';
import type { CommonInfo } from '../../server/server-info.ts';
import { type TablespaceFile, tablespaceFile } from './tablespace-file.ts';

const spaceId = 0;

/** `ibdata1:12M;/disk2/ibdata2:1G:autoextend`: only names matter, the files say their sizes. */
export function systemFiles(info: CommonInfo, mayShrink: boolean): TablespaceFile[] {
  const files: TablespaceFile[] = [];
  let bytesBefore = 0;
  for (const part of info.dataFilePath.split(';')) {
    const [name = ''] = part.split(':');
    refuseRawDevice(name, part);
    const source = resolve(info.dataHome, name);
    const [first] = files;
    const continues = first && { firstFile: first.source, bytesBefore };
    const member = basename(name);
    const file = tablespaceFile({ source, member, role: 'system', mayShrink, continues, spaceId });
    if (!file) throw new BackupError('access', `${source} of innodb_data_file_path is not there`);
    files.push(file);
    bytesBefore += file.size;
  }
  return files;
}

function refuseRawDevice(name: string, part: string): void {
  if (!/:\s*\d+[KMG]?(new)?raw/i.test(part)) return;
  throw new BackupError('failed', `the system tablespace is on a raw device (${name})`, {
    hint: 'raw devices are not supported',
  });
}

/** innodb_data_file_path as it is for the backup, where every file lies in one directory. */
export function flatDataFilePath({ dataFilePath }: CommonInfo): string {
  return dataFilePath
    .split(';')
    .map((part) => {
      const [path = '', ...rest] = part.split(':');
      return [basename(path), ...rest].join(':');
    })
    .join(';');
}
