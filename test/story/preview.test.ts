import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { failOperation } from '../support/s3/faults.ts';
import { behind, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { startS3Process, type S3Place } from '../support/s3/s3-place.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema } from '../support/workload.ts';
import { runWithBucket } from './bucket-support.ts';
import { accessArgs } from './held-backup.ts';
import { serverOf } from './ways-back.ts';

let place: S3Place;

before(async () => {
  place = await startS3Process();
});

after(async () => {
  await place.stop();
});

interface BackupAnswer {
  tablespaces: { files: number; bytes: number };
  others: { files: number; bytes: number };
  redo: { checkpointLsn: number; bytes: number; capacity: number };
  bytes: number;
  parts?: number;
  requests?: number;
}
interface RestoreAnswer {
  archiveBytes: number;
  plainBytes: number;
  members: number;
  encryption?: string;
}

async function assertEmpty(): Promise<void> {
  assert.deepEqual(await place.keys(), []);
  assert.deepEqual(await place.openUploads(), []);
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const) {
  describe(`a preview of a backup of ${product}`, { skip: leftOut(product) }, () => {
    let source: TestServer;
    before(async () => {
      source = await startServer({ name: 'source', product });
      await createSchema(source, { megabytes: 1 });
    });
    const preview = (...args: string[]): ReturnType<typeof runWithBucket> =>
      runWithBucket(place, ['backup', '--preview', ...accessArgs(source), ...args]);

    it('says what would be read and moved, and leaves nothing in a bucket', async () => {
      const { status, stderr, answer } = await preview('--json', `--to=${place.url('b')}`);
      assert.equal(status, 0, stderr);
      const { tablespaces, others, redo, bytes, parts } = JSON.parse(answer) as BackupAnswer;
      assert.ok(tablespaces.files > 5 && others.files > 2 && redo.capacity > redo.bytes);
      assert.equal(bytes, tablespaces.bytes + others.bytes + redo.bytes);
      assert.equal(parts, Math.ceil(bytes / (16 * 1024 * 1024)));
      const text = await preview(`--to=${place.url('b')}`);
      assert.match(text.answer, /^InnoDB files +\d+, .* MiB$/mu);
      assert.match(text.answer, /^target +s3:\S+\/b\/, which may be written$/mu);
      assert.match(text.stderr, /nothing was backed up/u);
      await assertEmpty();
    });

    it('makes no directory', async () => {
      const dir = join(scratchDir('preview'), 'new', 'backup');
      for (const target of [`--to=${dir}`, `--target-dir=${dir}`]) {
        const { status, stderr, answer } = await preview(target);
        assert.equal(status, 0, stderr);
        assert.match(answer, /^target .* free$/mu);
        assert.ok(!existsSync(join(dir, '..')));
      }
    });

    it('ends as the backup would where that cannot be', async () => {
      const full = scratchDir('full');
      mkdirSync(join(full, 'db'));
      const proxy = await startFaultProxy(
        place.endpoint,
        failOperation('CreateMultipartUpload', { kind: 'refuse', code: 'AccessDenied' }),
      );
      const args = ['backup', '--preview', ...accessArgs(source)];
      const denied = [...args, `--to=${place.url('b')}`];
      const refused = await runWithBucket(behind(place, proxy), denied);
      await proxy.stop();
      assert.equal(refused.status, 21, refused.stderr);
      assert.equal((await preview(`--to=${full}`)).status, 20);
      await source.query("CREATE USER 'poor'@'localhost' IDENTIFIED BY 'x'");
      const two = await preview('--stream', `--to=${place.url('b')}`);
      assert.equal(two.status, 2, two.stderr);
      const poor = [...args, '--user=poor', '--password=x'];
      assert.equal((await runWithBucket(place, poor)).status, 10);
      await assertEmpty();
    });
  });
}

describe('a preview of a restore', () => {
  const key = join(scratchDir('key'), 'key');
  const datadir = join(scratchDir('preview'), 'data');
  const wanted = (...args: string[]): ReturnType<typeof runWithBucket> =>
    runWithBucket(place, ['restore', '--preview', ...target(), ...args]);
  const target = (): string[] => [
    `--from=${place.url('b')}`,
    `--datadir=${datadir}`,
    `--server-binary=${serverOf('mariadb-10.11')}`,
  ];
  before(async () => {
    writeFileSync(key, Buffer.alloc(32, 9), { mode: 0o600 });
    const source = await startServer({ name: 'source', product: 'mariadb-10.11' });
    await createSchema(source, { megabytes: 1 });
    const encoding = ['--compress', '--encrypt=AES256', `--encrypt-key-file=${key}`];
    const args = ['backup', ...accessArgs(source), ...encoding, `--to=${place.url('b')}`];
    const { status, stderr } = await runWithBucket(place, args);
    assert.equal(status, 0, stderr);
    await source.stop();
  });

  it('says what would be read and written by a few requests, and writes nothing', async () => {
    await place.resetCounts();
    const { status, stderr, answer } = await wanted(`--encrypt-key-file=${key}`, '--json');
    assert.equal(status, 0, stderr);
    const { archiveBytes, plainBytes, members, encryption } = JSON.parse(answer) as RestoreAnswer;
    assert.ok(archiveBytes < plainBytes && members > 20);
    assert.equal(encryption, 'AES256');
    assert.ok(!existsSync(datadir));
    const counts = await place.requestCounts();
    if (counts) assert.ok((counts['GetObject'] ?? 0) <= 5, JSON.stringify(counts));
  });

  it('ends as the restore would where that cannot be', async () => {
    const other = join(scratchDir('key'), 'other');
    writeFileSync(other, Buffer.alloc(32, 8), { mode: 0o600 });
    assert.equal((await wanted(`--encrypt-key-file=${other}`)).status, 32);
    assert.equal((await wanted()).status, 2);
    const none = await wanted(`--encrypt-key-file=${key}`, '--server-binary=/bin/false');
    assert.equal(none.status, 50);
    const full = scratchDir('full');
    writeFileSync(join(full, 'x'), '');
    const used = await wanted(`--encrypt-key-file=${key}`, `--datadir=${full}`);
    assert.equal(used.status, 20);
    assert.ok(!existsSync(datadir));
  });
});
