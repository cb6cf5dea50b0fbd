// What comes out of a bucket by parts: some members, backups by xbcloud, imported archives.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { PutObjectCommand } from '@aws-sdk/client-s3';

import { encodeManifest } from '../../formats/archive-record/index.ts';
import {
  chunksOf,
  sampleBegin,
  samplePosition,
  stockArchive,
  stockMember,
} from '../archive/support.ts';
import { key, writeEncoded } from '../archive/encrypted-support.ts';
import { join as joinBytes } from '../formats/xbstream/support.ts';
import { treeOf } from '../sink/support.ts';
import { s3Client } from '../support/s3/client.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { runWithBucket } from './bucket-support.ts';

let place: S3Place;
before(async () => {
  place = await startS3Process();
});
after(() => place.stop());

async function put(objects: Iterable<readonly [name: string, bytes: Uint8Array]>): Promise<void> {
  const client = s3Client(place);
  for (const [name, Body] of objects) {
    const Key = `${place.prefix}${name}`;
    await client.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body }));
  }
  client.destroy();
}

/** Runs `xbpipe ARGS`, which must end well, and counts its requests where somebody does. */
async function tool(...args: string[]): Promise<{ stderr: string; requests: number }> {
  await place.resetCounts();
  const { status, stderr } = await runWithBucket(place, args);
  assert.equal(status, 0, stderr);
  const counts = Object.values((await place.requestCounts()) ?? {});
  return { stderr, requests: counts.reduce((sum: number, count) => sum + count, 0) };
}

const noise = (bytes: number, seed: string): Uint8Array => {
  const block = createHash('sha512').update(seed).digest();
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / block.length) }, () => block));
};

/** A backup of `tables` tables, compressed and encrypted, as `NAME`. */
async function putBackup(name: string, tables: number): Promise<void> {
  const members = Array.from({ length: tables }, (_, i) => [
    [`shop/t${i}.frm`, noise(700, `frm ${i}`)] as const,
    [
      `shop/t${i}.ibd`,
      ...Array.from({ length: 3 }, (__, n) => noise(20_000, `${i} ${n}`)),
    ] as const,
  ]).flat();
  const archive = await writeEncoded(members, {
    compression: { algorithm: 'zstd', level: 1 },
    encryption: { algorithm: 'AES256', key, chunkBytes: 65_536 },
    digests: true,
  });
  const half = Math.floor(archive.length / 2);
  const { keyCheck: _, digests: __, ...begin } = sampleBegin;
  const objects = [
    { name: 'archive.xbs', size: half },
    { name: 'archive.0002.xbs', size: archive.length - half },
  ];
  const totals = { members: members.length, plainBytes: 0, finishedAt: begin.startedAt };
  const manifest = encodeManifest({ ...begin, ...samplePosition, ...totals, objects });
  await put([
    [`${name}/archive.xbs`, archive.subarray(0, half)],
    [`${name}/archive.0002.xbs`, archive.subarray(half)],
    [`${name}/manifest.json`, manifest],
  ]);
}

describe('one table of hundreds in a bucket', () => {
  it('takes ten requests at most, most of them to open the backup', async () => {
    await putBackup('many', 300);
    const keyFile = join(scratchDir('key'), 'key');
    writeFileSync(keyFile, key);
    for (const table of ['shop/t7', 'shop/t299']) {
      const target = scratchDir('out');
      const unlock = ['--decompress', '--decrypt', `--encrypt-key-file=${keyFile}`];
      const from = ['--from', place.url('many'), `--include=${table}.*`, '-C', target];
      const { requests, stderr } = await tool('extract', ...from, ...unlock);
      assert.deepEqual(Object.keys(treeOf(target)), [`${table}.frm`, `${table}.ibd`]);
      assert.match(stderr, /written by somebody who has the key/);
      // Where requests are counted, there are some.
      assert.equal(requests > 0, place.isEmbedded);
      assert.ok(requests <= 10, `${requests} requests`);
    }
  });
});

describe('a backup that xbcloud has put into a bucket', () => {
  it('is read by its name, and held against its MD5 sums', async () => {
    const archive = stockArchive(
      ...stockMember('ibdata1', 'one', 'two'),
      ...stockMember('db/t.ibd', ...Array.from({ length: 12 }, (_, i) => `row ${i},`)),
    );
    const counts = new Map<string, number>();
    const objects = chunksOf(archive).map(({ path, bytes }) => {
      const number = counts.get(path) ?? 0;
      counts.set(path, number + 1);
      return [`${path}.${String(number).padStart(20, '0')}`, bytes] as const;
    });
    const sums = objects.map(
      ([name, bytes]) => `${createHash('md5').update(bytes).digest('hex')}  ${name}\n`,
    );
    await put(objects.map(([name, bytes]) => [`cloud/${name}`, bytes] as const));
    await put([['cloud.md5', Buffer.from(sums.join(''))]]);
    const target = scratchDir('out');
    await tool('extract', '--from', place.url('cloud'), '-C', target);
    assert.equal(treeOf(target)['ibdata1'], 'onetwo');
    assert.match(treeOf(target)['db/t.ibd'] ?? '', /^row 0,.*row 11,$/);
    await put([[`cloud/db/t.ibd.${'0'.repeat(19)}5`, chunksOf(archive)[6]?.bytes ?? archive]]);
    const changed = ['extract', '--from', place.url('cloud'), '-C', scratchDir('out')];
    const { status, stderr } = await runWithBucket(place, changed);
    assert.equal(status, 31, stderr);
    assert.match(stderr, /has not the MD5/);
  });
});

describe('an archive by a stock tool in a bucket', () => {
  it('is imported where it is, and gives some of its members', async () => {
    const vectors = 'formats/metadata/vectors/full';
    const names = ['backup-my.cnf', 'xtrabackup_checkpoints', 'xtrabackup_info'];
    const archive = joinBytes(
      ...stockMember('db/t.ibd', 'rows'),
      ...names.flatMap((name) => stockMember(name, readFileSync(join(vectors, name), 'utf8'))),
    );
    await put([['old/full.xbs', archive]]);
    const { stderr } = await tool('import', place.url('old/full.xbs'));
    assert.match(stderr, /old\/full is backup 49fa1a7b-/);
    const keys = (await place.keys()).filter((name) => name.startsWith('old/'));
    assert.deepEqual(keys, ['old/full.xbs', 'old/full/index.json', 'old/full/manifest.json']);
    const target = scratchDir('out');
    await tool('extract', '--from', place.url('old/full'), '--include=db/*', '-C', target);
    assert.deepEqual(treeOf(target), { 'db/t.ibd': 'rows' });
    const again = await runWithBucket(place, ['import', place.url('old/full.xbs')]);
    assert.equal(again.status, 20, again.stderr);
    assert.match(again.stderr, /full\/index\.json exists/);
  });
});
