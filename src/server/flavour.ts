/** Which of the two servers it is: MySQL with Percona Server, or MariaDB. */
import type { Flavour } from '../../formats/archive-record/index.ts';

export type { Flavour };

export const flavours: readonly Flavour[] = ['mariadb', 'mysql'];

/** Every MariaDB server says so in its version. */
export function isMariadb(version: string): boolean {
  return /mariadb/i.test(version);
}
