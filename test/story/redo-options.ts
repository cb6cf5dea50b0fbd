import { flavourOf, type Product } from '../support/programs.ts';

/**
 * Server options for a story under load that is not about the redo log. MariaDB's would else wrap
 * before it is copied whenever the tool gets no turn for a while; MySQL keeps its log for a consumer.
 */
export function calmRedo(product: Product): string[] {
  return flavourOf(product) === 'mariadb' ? ['--innodb-log-file-size=32M'] : [];
}
