import type { Privilege } from '../privileges.ts';
import type { MariadbInfo } from './mariadb-info.ts';

/** PROCESS and RELOAD, and BINLOG MONITOR when there is a binlog. */
export function neededPrivileges(info: MariadbInfo): Privilege[] {
  const binlog = { name: 'BINLOG MONITOR', accepts: ['REPLICATION CLIENT'] };
  return [{ name: 'RELOAD' }, { name: 'PROCESS' }, ...(info.binlogOn ? [binlog] : [])];
}
