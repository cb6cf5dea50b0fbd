import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { GetObjectCommand } from '@aws-sdk/client-s3';

import { decodeManifest } from '../../formats/archive-record/index.ts';
import { runMeasured } from '../support/measured-tool.ts';
import { findProgram, leftOut } from '../support/programs.ts';
import { behind, type FaultProxy, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { s3Client } from '../support/s3/client.ts';
import { startS3Process, type S3Place } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTool, toolEnd } from '../support/tool.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import { bucketArgs, bucketEnvironment, runWithBucket } from './bucket-support.ts';
import { accessArgs, stateBefore } from './held-backup.ts';
import { calmRedo } from './redo-options.ts';
import { proveSame, serverOf } from './ways-back.ts';

const MiB = 1024 * 1024;
/** What is promised at default settings. */
const memoryMax = 256 * MiB;
/** Small objects, so that a backup of some megabytes has several. */
const smallObjects = ['--s3-part-size=5M', '--s3-max-parts=2', '--s3-parallel=1'];

async function startPlace(t: TestContext): Promise<S3Place> {
  const place = await startS3Process();
  t.after(() => place.stop());
  return place;
}

/** Holds every part that comes until it is released. */
async function startHoldingProxy(t: TestContext, place: S3Place): Promise<FaultProxy> {
  const hold = ({ operation }: { operation: string }): { kind: 'stall' } | undefined =>
    operation === 'UploadPart' ? { kind: 'stall' } : undefined;
  const proxy = await startFaultProxy(place.endpoint, hold);
  t.after(() => proxy.stop());
  return proxy;
}

async function readManifest(
  place: S3Place,
  name: string,
): Promise<ReturnType<typeof decodeManifest>> {
  const client = s3Client(place);
  const command = new GetObjectCommand({
    Bucket: place.bucket,
    Key: `${place.prefix}${name}/manifest.json`,
  });
  const { Body } = await client.send(command);
  client.destroy();
  return decodeManifest((await Body?.transformToByteArray()) ?? new Uint8Array(0));
}

/** Objects one after the other, as `aws s3 cp ... -` writes them. */
async function* bytesOf(place: S3Place, keys: readonly string[]): AsyncGenerator<Uint8Array> {
  const client = s3Client(place);
  try {
    for (const key of keys) {
      const target = { Bucket: place.bucket, Key: place.prefix + key };
      const { Body } = await client.send(new GetObjectCommand(target));
      yield* Body as AsyncIterable<Uint8Array>;
    }
  } finally {
    client.destroy();
  }
}

async function pipeTo(
  program: string,
  args: readonly string[],
  bytes: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const [said, [status]] = await Promise.all([
    text(child.stderr),
    once(child, 'exit'),
    pipeline(bytes, child.stdin),
  ]);
  assert.equal(status, 0, said);
}

/** Without the records: they are files as well for who does not know them. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('xbpipe_'))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

function assertSameFiles(one: string, other: string): void {
  const names = filesIn(one);
  assert.ok(names.includes('ibdata1'));
  assert.deepEqual(names, filesIn(other));
  for (const name of names) {
    assert.ok(readFileSync(join(one, name)).equals(readFileSync(join(other, name))), name);
  }
}

async function treeBytes(directory: string): Promise<number> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(directory, name))).blocks),
  );
  return sizes.reduce((sum, blocks) => sum + blocks * 512, 0);
}

async function startSource(product: TestServer['product'], megabytes: number): Promise<TestServer> {
  const source = await startServer({ name: 'source', product });
  await createSchema(source, { megabytes });
  return source;
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const) {
  describe(`a backup of ${product} in a bucket`, { skip: leftOut(product) }, () => {
    it('is taken under load, in several objects, and comes back equal to its source', async (t) => {
      const place = await startPlace(t);
      const proxy = await startHoldingProxy(t, place);
      const options = calmRedo(product);
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 8 });
      const load = await startLoad(source, tables, { pauseMs: 50 });

      const args = ['backup', ...accessArgs(source), ...smallObjects];
      const held = behind(place, proxy);
      const to = [`--to=${place.url('full')}`, ...bucketArgs(held)];
      const env = bucketEnvironment(place);
      const backup = toolEnd(startTool([...args, ...to], { env }));
      assert.ok(await stateBefore(backup, () => proxy.stalled > 0), 'a part is on its way');
      const target = load.statements() + 200;
      while (load.statements() < target) await sleep(20);
      proxy.script = () => undefined;
      proxy.release();
      const { status, stderr } = await backup;
      assert.equal(status, 0, stderr);
      const { objects, members } = await readManifest(place, 'full');
      assert.ok(objects.length >= 3, `${objects.length} objects`);
      assert.ok(members > 20);
      assert.ok(objects.slice(0, -1).every(({ size }) => size === 10 * MiB));
      assert.deepEqual(await place.openUploads(), []);
      const names = objects.map(({ name }) => `full/${name}`);
      assert.deepEqual((await place.keys()).sort(), [...names, 'full/manifest.json'].sort());

      await load.stop();
      const datadir = join(scratchDir('back'), 'data');
      const from = [`--from=${place.url('full')}`, '--server-binary', serverOf(product)];
      const restored = await runWithBucket(place, ['restore', ...from, `--datadir=${datadir}`]);
      assert.equal(restored.status, 0, restored.stderr);
      await proveSame(source, datadir, { replay: true });
    });
  });
}

describe('a backup between a server and a bucket', () => {
  it('puts nothing on a disk on its way there, and each file once on its way back', async (t) => {
    const place = await startPlace(t);
    const source = await startSource('mariadb-10.11', 8);
    const args = [...accessArgs(source), `--to=${place.url('n')}`, ...bucketArgs(place)];
    const backup = await runMeasured(['backup', ...args], place.environment);
    assert.equal(backup.status, 0, backup.stderr);
    assert.ok(backup.diskBytes < MiB / 4, `${backup.diskBytes} bytes written to disk`);
    assert.ok(backup.peakBytes < memoryMax, `${backup.peakBytes} bytes of memory`);

    const datadir = join(scratchDir('back'), 'data');
    const back = [`--from=${place.url('n')}`, `--datadir=${datadir}`, ...bucketArgs(place)];
    const server = ['--server-binary', serverOf('mariadb-10.11')];
    const restore = await runMeasured(['restore', ...back, ...server], place.environment);
    assert.equal(restore.status, 0, restore.stderr);
    const size = await treeBytes(datadir);
    assert.ok(size > 8 * MiB);
    assert.ok(restore.diskBytes < size * 1.3, `${restore.diskBytes} written for ${size} bytes`);
    assert.ok(restore.peakBytes < memoryMax, `${restore.peakBytes} bytes of memory`);
    await proveSame(source, datadir, { replay: false });
  });

  it('is compressed and encrypted on the way, and proved without a download to disk', async (t) => {
    const place = await startPlace(t);
    const source = await startSource('mariadb-10.11', 4);
    const key = join(scratchDir('key'), 'key');
    writeFileSync(key, Buffer.alloc(32, 7), { mode: 0o600 });
    const encoding = ['--compress', '--encrypt=AES256', `--encrypt-key-file=${key}`];
    const to = `--to=${place.url('secret')}`;
    const backup = await runWithBucket(place, ['backup', ...accessArgs(source), ...encoding, to]);
    assert.equal(backup.status, 0, backup.stderr);

    const from = [`--from=${place.url('secret')}`, `--encrypt-key-file=${key}`];
    const verified = await runMeasured(
      ['verify', ...from, ...bucketArgs(place)],
      place.environment,
    );
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stderr, /the archive is whole: \d+ files, [1-9]\d* pages checked/u);
    assert.ok(verified.diskBytes < MiB / 4, `${verified.diskBytes} bytes written to disk`);

    const datadir = join(scratchDir('back'), 'data');
    const server = ['--server-binary', serverOf('mariadb-10.11'), `--datadir=${datadir}`];
    const restored = await runWithBucket(place, ['restore', ...from, ...server]);
    assert.equal(restored.status, 0, restored.stderr);
    await proveSame(source, datadir, { replay: false });
  });

  it('is read by a pipe of other tools, out of one object or of several in order', async (t) => {
    const place = await startPlace(t);
    const source = await startSource('mariadb-10.11', 1);
    for (const [name, args, least] of [
      ['one', [], 1],
      ['several', smallObjects, 2],
    ] as const) {
      const to = [`--to=${place.url(name)}`, ...args];
      const { status, stderr } = await runWithBucket(place, [
        'backup',
        ...accessArgs(source),
        ...to,
      ]);
      assert.equal(status, 0, stderr);
      const names = (await readManifest(place, name)).objects.map((object) => object.name);
      assert.ok(least === 1 ? names.length === 1 : names.length >= least, names.join());
      const theirs = scratchDir('theirs');
      await pipeTo(findProgram('mbstream', 'mariadb-10.11'), ['-x', '-C', theirs], () =>
        bytesOf(
          place,
          names.map((object) => `${name}/${object}`),
        ),
      );
      const ours = join(scratchDir('plain'), 'back');
      const from = `--from=${place.url(name)}`;
      const extracted = await runWithBucket(place, ['extract', from, '-C', ours]);
      assert.equal(extracted.status, 0, extracted.stderr);
      assertSameFiles(theirs, ours);
      if (least > 1) continue;
      const byItself = join(scratchDir('object'), 'back');
      const object = `--from=${place.url('one/archive.xbs')}`;
      const alone = await runWithBucket(place, ['extract', object, '-C', byItself]);
      assert.equal(alone.status, 0, alone.stderr);
      assertSameFiles(byItself, ours);
    }
  });
});
