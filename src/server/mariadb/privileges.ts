import { BackupError } from '../../errors.ts';
import type { ServerInfo } from '../server-info.ts';
import type { Session } from '../session.ts';

/** Older names of privileges that count as well. */
const names: Record<string, RegExp> = {
  RELOAD: /\bRELOAD\b/,
  PROCESS: /\bPROCESS\b/,
  'BINLOG MONITOR': /\bBINLOG MONITOR\b|\bREPLICATION CLIENT\b/,
};

/** Privileges that a backup needs: PROCESS and RELOAD, and BINLOG MONITOR when there is a binlog. */
export function neededPrivileges(info: ServerInfo): string[] {
  return ['RELOAD', 'PROCESS', ...(info.binlogOn ? ['BINLOG MONITOR'] : [])];
}

/** Fails before anything is locked or copied, with the GRANT that is missing. */
export async function checkPrivileges(session: Session, info: ServerInfo): Promise<void> {
  const rows = await session.rows('SHOW GRANTS');
  const global = rows
    .map((row) => String(Object.values(row)[0]).toUpperCase())
    .filter((grant) => / ON \*\.\* TO /.test(grant))
    .map((grant) => grant.slice(0, grant.indexOf(' ON *.* TO ')));
  const has = (privilege: string): boolean =>
    global.some((grant) => grant.includes('ALL PRIVILEGES') || names[privilege]?.test(grant));
  const missing = neededPrivileges(info).filter((privilege) => !has(privilege));
  if (missing.length === 0) return;
  const account = await currentUser(session);
  throw new BackupError('access', `${account} lacks ${missing.join(', ')}`, {
    hint: `GRANT ${missing.join(', ')} ON *.* TO ${account};`,
  });
}

async function currentUser(session: Session): Promise<string> {
  const [row] = await session.rows('SELECT CURRENT_USER() AS account');
  const [user = '', host = '%'] = String(row?.['account']).split('@');
  return `'${user}'@'${host}'`;
}
