import { BackupError } from '../errors.ts';
import type { Session } from './session.ts';

/** A global privilege that a backup needs; `accepts`: other names under which it counts as well. */
export interface Privilege {
  name: string;
  accepts?: readonly string[];
}

/** Fails before anything is locked or copied, with the GRANT that is missing. */
export async function checkPrivileges(
  session: Session,
  needed: readonly Privilege[],
): Promise<void> {
  const held = await globalPrivileges(session);
  const has = ({ name, accepts = [] }: Privilege): boolean =>
    ['ALL PRIVILEGES', name, ...accepts].some((one) => held.has(one));
  const missing = needed.filter((privilege) => !has(privilege)).map(({ name }) => name);
  if (missing.length === 0) return;
  const account = await currentAccount(session);
  throw new BackupError('access', `${account} lacks ${missing.join(', ')}`, {
    hint: `GRANT ${missing.join(', ')} ON *.* TO ${account};`,
  });
}

/** Of the account and of its active roles. */
async function globalPrivileges(session: Session): Promise<Set<string>> {
  const rows = await session.rows('SHOW GRANTS');
  const lists = rows
    .map((row) => String(Object.values(row)[0]).toUpperCase())
    .map((grant) => /^GRANT (.*?) ON \*\.\* TO /.exec(grant)?.[1] ?? '');
  return new Set(lists.flatMap((list) => list.split(/\s*,\s*/)));
}

/** `'user'@'host'` as a GRANT takes it. */
export async function currentAccount(session: Session): Promise<string> {
  const [row] = await session.rows('SELECT CURRENT_USER() AS account');
  const [user = '', host = '%'] = String(row?.['account']).split('@');
  return `'${user}'@'${host}'`;
}
