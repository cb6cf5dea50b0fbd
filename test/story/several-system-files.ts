import { statSync } from 'node:fs';
import { join } from 'node:path';

import type { Product } from '../support/programs.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * A server with its system tablespace in these files, the last of which has grown: all are full,
 * and every page is in its file. `options` are what it does not start without.
 */
export async function startOnSystemFiles(
  product: Product,
  files: readonly string[],
): Promise<{ source: TestServer; options: string[] }> {
  const options = [`--innodb-data-file-path=${files.join(';')}`, '--innodb-file-per-table=OFF'];
  const made = await startServer({ name: 'source', product, options });
  await made.query('CREATE DATABASE shared');
  await made.query('CREATE TABLE shared.t (id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)');
  const grow = "INSERT INTO shared.t (b) VALUES (REPEAT('x', 3000000))";
  const [last = ''] = files.at(-1)?.split(':') ?? [];
  const size = (): number => statSync(join(made.datadir, last)).size;
  for (const before = size(); size() === before;) await made.query(grow);
  // A clean shutdown writes every page to its file.
  await made.stop();
  const source = await startServer({ name: 'again', product, options, datadir: made.datadir });
  return { source, options };
}
