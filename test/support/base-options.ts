// The options that every throw-away server has, by product: small, and quick to write its log over.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { findPluginDir, type Flavour, flavourOf, type Product } from './programs.ts';

const common = [
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-autoinc-lock-mode=2',
  '--log-bin=bin',
  '--binlog-format=ROW',
  '--sync-binlog=0',
  '--server-id=1',
  '--max-allowed-packet=256M',
  '--skip-name-resolve',
];

const byFlavour: Record<Flavour, readonly string[]> = {
  mariadb: [
    // A small log, so that a few seconds of load go round it several times.
    '--innodb-log-file-size=10M',
    '--innodb-buffer-pool-size=32M',
    '--performance-schema=OFF',
  ],
  mysql: [
    // The least there is: 32 files of 256 KiB, so that a second of load consumes several.
    '--innodb-redo-log-capacity=8M',
    '--innodb-log-buffer-size=4M',
    '--innodb-buffer-pool-size=64M',
    // One server would take 2305 of the 65536 requests that a usual kernel has for all of them.
    '--innodb-use-native-aio=OFF',
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--mysqlx=OFF',
    // Backups need its table log_status; all that it measures besides would be 250 MB.
    '--performance-schema=ON',
    '--performance-schema-instrument=%=OFF',
    '--performance-schema-digests-size=0',
    '--performance-schema-error-size=0',
    '--performance-schema-max-memory-classes=0',
    '--performance-schema-max-statement-classes=0',
    '--performance-schema-events-stages-history-long-size=0',
    '--performance-schema-events-statements-history-long-size=0',
    '--performance-schema-events-transactions-history-long-size=0',
    '--performance-schema-events-waits-history-long-size=0',
  ],
};

// MySQL's wrapper names its own plugins, and its engines are all built in.
const pluginOptions = (product: Product): string[] => {
  const dir = flavourOf(product) === 'mariadb' ? findPluginDir(product) : undefined;
  if (dir === undefined) return [];
  const archive = existsSync(join(dir, 'ha_archive.so')) ? ['--plugin-load-add=ha_archive'] : [];
  return [`--plugin-dir=${dir}`, ...archive];
};

/** A server refuses to run as root unless it is told to. */
export const userOptions = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

export function baseOptions(product: Product): string[] {
  return [...pluginOptions(product), ...common, ...byFlavour[flavourOf(product)], ...userOptions()];
}
