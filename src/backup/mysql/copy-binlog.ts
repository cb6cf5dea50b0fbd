import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { writeMember } from '../../archive/write-member.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import type { CopyContext } from '../copy-context.ts';

/** An encrypted binlog begins with these bytes and a header that its positions do not count. */
const encryptedMagic = 0xfd62696e;
const encryptedHeaderBytes = 512;

/**
 * Copies the binlog that was just begun, up to the position, and an index that
 * names it alone: by it the recovering server decides transactions that were
 * prepared and not yet committed. The backup lock keeps it from being purged.
 */
export async function copyBinlog(
  { pool, store }: CopyContext,
  { binlogDirectory }: MysqlInfo,
  { file, position }: { file: string; position: number },
): Promise<void> {
  const source = join(binlogDirectory, file);
  const bytesMax = position + (isEncrypted(source) ? encryptedHeaderBytes : 0);
  const [outcome] = await pool.copy([{ kind: 'plain', source, member: file, bytesMax }]);
  const size = outcome && 'copied' in outcome ? outcome.copied.size : 0;
  if (size !== bytesMax) {
    throw new BackupError('failed', `${source} has ${size} bytes, not ${bytesMax}`, {
      where: { path: source, offset: size },
    });
  }
  // Whatever the source's is called: by this name whoever restores finds it.
  const index = `${file.replace(/\.\d+$/, '')}.index`;
  await writeMember(store, index, Buffer.from(`./${file}\n`));
}

function isEncrypted(path: string): boolean {
  try {
    const fd = openSync(path, 'r');
    try {
      const magic = Buffer.alloc(4);
      readSync(fd, magic, 0, magic.length, 0);
      return magic.readUInt32BE() === encryptedMagic;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw toBackupError(error, 'access');
  }
}
