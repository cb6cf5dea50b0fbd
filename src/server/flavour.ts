/** Which of the two servers it is: MySQL with Percona Server, or MariaDB. */
export type { Flavour } from '../../formats/archive-record/index.ts';

/** Every MariaDB server says so in its version. */
export function isMariadb(version: string): boolean {
  return /mariadb/i.test(version);
}
