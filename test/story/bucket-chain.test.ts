import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CopyObjectCommand, DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import { leftOut } from '../support/programs.ts';
import { s3Client } from '../support/s3/client.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, type ToolResult } from '../support/tool.ts';
import { createSchema, startDdl, startLoad } from '../support/workload.ts';
import { runWithBucket } from './bucket-support.ts';
import { accessArgs } from './held-backup.ts';
import { calmRedo } from './redo-options.ts';
import { proveSame, serverOf } from './ways-back.ts';

const product = 'mariadb-10.11';
const names = ['full', 'first', 'second'] as const;
const [full, first, newest] = names;

/** Requests, of which 18 to 33 were seen: none is made for a table or a page by itself. */
const requestsMax = { backup: 40, restore: 60 };

describe('a chain in a bucket', { skip: leftOut(product) }, () => {
  let place: S3Place;
  let client: S3Client;
  let source: TestServer;
  let keyOption: string;
  before(async () => {
    place = await startS3Process();
    client = s3Client(place);
    const key = join(scratchDir('key'), 'key');
    writeFileSync(key, Buffer.alloc(32, 7), { mode: 0o600 });
    keyOption = `--encrypt-key-file=${key}`;
    source = await startServer({ name: 'source', product, options: calmRedo(product) });
    await takeChain();
  });
  after(async () => {
    client.destroy();
    await place.stop();
  });

  const chainUrl = (name = ''): string => place.url(`chain/${name}`);

  async function takeChain(): Promise<void> {
    const tables = await createSchema(source, { megabytes: 8 });
    const load = await startLoad(source, tables, { pauseMs: 100 });
    const ddl = await startDdl(source);
    const encoding = ['--compress', '--encrypt=AES256', keyOption];
    const parts = ['--s3-part-size=5M', '--s3-max-parts=1', '--s3-parallel=1'];
    let base: string[] = [];
    for (const name of names) {
      const to = [`--to=${chainUrl(name)}`, ...base, ...encoding, ...parts];
      assertDone(await counted('backup', ['backup', ...accessArgs(source), ...to]));
      base = [`--incremental-base=${chainUrl(name)}`];
      const target = ddl.statements() + 30;
      while (ddl.statements() < target) await sleep(20);
    }
    await ddl.stop();
    await load.stop();
  }

  /** Few requests, where somebody counts them. */
  async function counted(
    what: keyof typeof requestsMax,
    args: readonly string[],
  ): Promise<ToolResult> {
    await place.resetCounts();
    const result = await runWithBucket(place, args);
    const counts = (await place.requestCounts()) ?? {};
    const all = Object.values(counts).reduce((sum: number, count) => sum + count, 0);
    assert.ok(all <= requestsMax[what], `${what}: ${JSON.stringify(counts)}`);
    return result;
  }

  const restoreArgs = (from: string, datadir: string): string[] => {
    const server = ['--server-binary', serverOf(product)];
    return [
      'restore',
      '--no-defaults',
      `--from=${from}`,
      `--datadir=${datadir}`,
      ...server,
      keyOption,
    ];
  };

  /** Name and state of every backup, as `list` has them. */
  async function listed(): Promise<Record<string, string>> {
    const { answer, stderr, status } = await runWithBucket(place, ['list', '--json', chainUrl()]);
    assert.equal(status, 0, stderr);
    const { backups } = JSON.parse(answer) as {
      backups: { name: string; state: string; problem?: string | null }[];
    };
    return Object.fromEntries(backups.map(({ name, state, problem }) => [name, problem ?? state]));
  }

  /** Takes objects away behind the tool's back, and brings them back when `work` is done. */
  async function without(keys: readonly string[], work: () => Promise<void>): Promise<void> {
    const { bucket: Bucket, prefix } = place;
    const copy = async (from: string, to: string): Promise<void> => {
      const CopySource = `${Bucket}/${prefix}${from}`;
      await client.send(new CopyObjectCommand({ Bucket, Key: prefix + to, CopySource }));
      await client.send(new DeleteObjectCommand({ Bucket, Key: prefix + from }));
    };
    for (const key of keys) await copy(key, `aside/${key}`);
    try {
      await work();
    } finally {
      for (const key of keys) await copy(`aside/${key}`, key);
    }
  }

  async function assertRefused(why: RegExp): Promise<void> {
    const datadir = join(scratchDir('refused'), 'data');
    const { status, stderr } = await runWithBucket(place, restoreArgs(chainUrl(newest), datadir));
    assert.equal(status, 40, stderr);
    assert.match(stderr, why);
    assert.equal(existsSync(datadir), false);
  }

  it('taken under load and DDL comes back by its newest link, with few requests', async () => {
    assert.deepEqual(await listed(), { full: 'ok', first: 'ok', second: 'ok' });
    assert.ok(
      (await place.keys()).filter((key) => key.startsWith('chain/full/archive')).length > 1,
    );
    assert.deepEqual(await place.openUploads(), []);
    const datadir = join(scratchDir('back'), 'data');
    assertDone(await counted('restore', restoreArgs(chainUrl(newest), datadir)));
    await proveSame(source, datadir, { replay: true });
  });

  it('is not deleted from below', async () => {
    const before = await place.keys();
    for (const [name, child] of [
      [full, first],
      [first, newest],
    ] as const) {
      const { status, stderr } = await runWithBucket(place, ['delete', '--yes', chainUrl(name)]);
      assert.equal(status, 40, stderr);
      assert.match(stderr, new RegExp(`${child}.* cannot be restored without ${name}`, 'u'));
    }
    assert.deepEqual(await place.keys(), before);
  });

  for (const [what, name] of [
    ['archive', full],
    ['archive', first],
    ['manifest', full],
    ['manifest', first],
  ] as const) {
    it(`without the ${what} of its ${name} link is refused before anything is written`, async () => {
      const all = (await place.keys()).filter((key) => key.startsWith(`chain/${name}/${what}`));
      // One of several objects is enough.
      const gone = all.slice(0, 1);
      await without(gone, async () => {
        const states = await listed();
        if (what === 'archive') {
          assert.match(states[name] ?? '', /archive/u);
          assert.match(states[newest] ?? '', /parent .* is broken/u);
        } else {
          assert.equal(states[name], undefined);
          const child = name === full ? first : newest;
          assert.match(states[child] ?? '', /its parent \S+ is missing/u);
        }
        await assertRefused(/cannot be restored: /u);
      });
    });
  }
});
