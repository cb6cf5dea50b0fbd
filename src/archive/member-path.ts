import { BackupError } from '../errors.ts';

/**
 * A member's path made safe to join to a directory, or an error. A hostile
 * archive must not write outside its directory: no absolute path, no `..`, no
 * empty or `.` component. A leading `./` is dropped, because `xbstream -c ./x`
 * stores it.
 */
export function safeMemberPath(path: string, archiveOffset: number): string {
  const plain = path.replace(/^(\.\/+)+/, '');
  const reason = unsafe(plain);
  if (reason !== undefined) {
    throw new BackupError(
      'corrupt',
      `member ${JSON.stringify(path)} at byte ${archiveOffset}: ${reason}`,
      {
        where: { path, offset: archiveOffset, field: 'path' },
      },
    );
  }
  return plain;
}

function unsafe(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (path.startsWith('/')) return 'the path is absolute';
  const parts = path.split('/');
  if (parts.includes('..')) return 'the path leaves its directory with ".."';
  if (parts.includes('') || parts.includes('.')) return 'the path has an empty component';
  return undefined;
}
