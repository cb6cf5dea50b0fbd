import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { decodeBegin } from '../../formats/archive-record/index.ts';
import { ChunkDecoder } from '../../formats/xbstream/index.ts';
import { type Product, flavourOf, leftOut, products } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, type Load, startLoad } from '../support/workload.ts';
import { accessArgs } from './held-backup.ts';
import { proveWaysBack, waysBackWithKey } from './ways-back.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** Plain in every backup, so that scripts without a key can read them. */
const plainMembers = ['xbpipe_begin.json', 'xbpipe_end.json', 'xtrabackup_checkpoints'];

const redoOptions = (product: Product): string[] =>
  flavourOf(product) === 'mariadb' ? ['--innodb-log-file-size=96M'] : [];

function newKey(bytes: number): string {
  const file = join(scratchDir('key'), 'key');
  writeFileSync(file, randomBytes(bytes), { mode: 0o600 });
  return file;
}

/** Members of an archive in their order. */
function membersOf(archive: string): string[] {
  const decoder = new ChunkDecoder();
  decoder.push(readFileSync(archive));
  const members: string[] = [];
  for (let event = decoder.next(); event; event = decoder.next()) {
    if (event.kind === 'end') members.push(event.path);
  }
  return members;
}

/** Returns how many members were not worth a compression. */
function assertEncoded(archive: string, suffix: string): number {
  const others = membersOf(archive).filter(
    (name) => !plainMembers.includes(name) && name !== 'mariadb_backup_checkpoints',
  );
  assert.ok(others.length > 20);
  // What is compressed or encrypted already is not compressed again.
  const packed = others.filter((name) => !name.endsWith(`${suffix}.xbcrypt`));
  for (const name of packed) assert.match(name, /page_|secret.*\.ibd\.xbcrypt$/u);
  assert.ok(packed.length < others.length / 4);
  return packed.length;
}

/** No row, no name in the metadata and no statement of the binlog can be read without the key. */
function assertUnreadable(archive: string): void {
  const bytes = readFileSync(archive);
  for (const word of ['row 1 ', 'server_version', 'innodb_data_file_path', 'CREATE TABLE']) {
    assert.equal(bytes.indexOf(word), -1, word);
  }
}

/** A backup while the server is written to; what is written after it has to be replayed. */
async function backUnderLoad(source: TestServer, load: Load, args: string[]): Promise<string> {
  const directory = join(scratchDir('target'), 'backup');
  const begun = load.statements();
  while (load.statements() < begun + 50) await sleep(20);
  assertDone(await runTool(['backup', ...accessArgs(source), `--to=${directory}`, ...args]));
  const done = load.statements();
  while (load.statements() < done + 50) await sleep(20);
  return join(directory, 'archive.xbs');
}

for (const product of products) {
  describe(`a compressed and encrypted backup of ${product}`, { skip: leftOut(product) }, () => {
    it('taken under load comes back', async (t) => {
      const options = redoOptions(product);
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 4 });
      // What page compression does is seen in pages that were written.
      await source.query('FLUSH TABLES load_main.page_compressed FOR EXPORT');
      await source.query('UNLOCK TABLES');
      const load = await startLoad(source, tables, { pauseMs: 100 });
      const keyFile = newKey(32);
      const args = ['--compress', '--encrypt=AES256', `--encrypt-key-file=${keyFile}`];
      const archive = await backUnderLoad(source, load, args);
      await load.stop();
      assert.ok(assertEncoded(archive, '.zst') > 0, 'a page-compressed table');
      assertUnreadable(archive);
      const replay = true;
      await proveWaysBack(t, source, archive, { ways: waysBackWithKey, replay, keyFile });
    });

    it('with lz4 and AES128 of a quiet server comes back', async (t) => {
      const source = await startServer({ name: 'source', product });
      await createSchema(source, { megabytes: 2 });
      const keyFile = newKey(16);
      const archive = join(scratchDir('archive'), 'archive.xbs');
      const args = ['--compress=lz4', '--encrypt=AES128', `--encrypt-key-file=${keyFile}`];
      assertDone(
        await runTool([
          'backup',
          ...accessArgs(source),
          `--to=${join(archive, '..', 'backup')}`,
          ...args,
        ]),
      );
      const made = join(archive, '..', 'backup', 'archive.xbs');
      assertEncoded(made, '.lz4');
      const [way] = waysBackWithKey.slice(-1);
      const ways = way === undefined ? [] : [way];
      await proveWaysBack(t, source, made, { ways, replay: false, keyFile });
    });
  });
}

describe('the begin record of an encrypted backup', () => {
  it('tells how it is encoded and nothing of the key', async () => {
    const source = await startServer({ name: 'source' });
    const target = join(scratchDir('target'), 'new');
    const keyFile = newKey(24);
    assertDone(
      await runTool([
        'backup',
        ...accessArgs(source),
        `--to=${target}`,
        '--compress=lz4',
        '--encrypt=AES192',
        `--encrypt-key-file=${keyFile}`,
      ]),
    );
    const archive = readFileSync(join(target, 'archive.xbs'));
    // One byte alone may be in the header of the chunk as well.
    const from = archive.indexOf('{"');
    const begin = decodeBegin(archive.subarray(from, archive.indexOf('\n', from) + 1));
    assert.deepEqual([begin.compression, begin.encryption], ['lz4', 'AES192']);
    assert.equal(begin.digests, true);
    assert.equal(archive.indexOf(readFileSync(keyFile)), -1);
  });
});
