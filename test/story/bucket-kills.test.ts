import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { seededRandom } from '../support/random.ts';
import { startS3Process, type S3Place } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTool, toolEnd } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { bucketArgs, bucketEnvironment, runWithBucket } from './bucket-support.ts';
import { accessArgs } from './held-backup.ts';
import { proveSame, serverOf } from './ways-back.ts';

const product = 'mariadb-10.11';
const kills = 50;

let place: S3Place;
let source: TestServer;

before(async () => {
  place = await startS3Process();
  source = await startServer({ name: 'source', product });
  await createSchema(source, { megabytes: 2 });
});

after(async () => {
  await place.stop();
});

function startBackup(name: string): ReturnType<typeof startTool> {
  const to = [`--to=${place.url(name)}`, '--s3-part-size=5M', '--s3-max-parts=2'];
  const args = ['backup', ...accessArgs(source), ...to, ...bucketArgs(place)];
  return startTool(args, { env: bucketEnvironment(place) });
}

/** The answer of a command in JSON, which must end well. */
async function ask<T>(...args: string[]): Promise<T> {
  const { status, stderr, answer } = await runWithBucket(place, [...args, '--json']);
  assert.equal(status, 0, stderr);
  return JSON.parse(answer) as T;
}

interface Listed {
  backups: { name: string; state: string }[];
}
interface Orphans {
  orphans: { name: string }[];
}

describe('a backup to a bucket that is killed', () => {
  it('at any moment never is a backup, unless it is a whole one', async (t) => {
    const began = performance.now();
    const whole = await toolEnd(startBackup('whole'));
    assert.equal(whole.status, 0, whole.stderr);
    const duration = performance.now() - began;
    const random = seededRandom(20);
    const all = place.url('');
    for (let i = 0; i < kills; i++) {
      const child = startBackup(`killed-${i}`);
      const end = toolEnd(child);
      await Promise.race([sleep(random.below(Math.ceil(duration * 0.9))), end]);
      child.kill('SIGKILL');
      await end;
    }
    const { backups } = await ask<Listed>('list', all);
    t.diagnostic(`${backups.length - 1} of ${kills} were whole when they were killed`);
    assert.ok(backups.length < kills, 'some were killed in time');
    for (const { name, state } of backups) {
      assert.equal(state, 'ok', name);
      const { status, stderr } = await runWithBucket(place, [
        'verify',
        `--from=${place.url(name)}`,
      ]);
      assert.equal(status, 0, `${name}: ${stderr}`);
    }

    const keys = await place.keys();
    const uploads = await place.openUploads();
    const left = new Set(
      [...keys, ...uploads.map(({ key }) => key)].map((key) => key.split('/')[0]),
    );
    assert.ok(uploads.length > 0, 'uploads were left open');
    for (const { name } of backups) left.delete(name);
    const { orphans } = await ask<Orphans>('list', '--orphans', all);
    assert.deepEqual(new Set(orphans.map(({ name }) => name)), left);

    // Whoever asks now might take a running backup for one of them: by default nothing goes.
    await ask('delete', '--orphans', '--yes', all);
    assert.deepEqual(await place.keys(), keys);
    await ask('delete', '--orphans', '--min-age=0', '--yes', all);
    assert.deepEqual(await place.openUploads(), []);
    const names = new Set(backups.map(({ name }) => name));
    const kept = keys.filter((key) => names.has(key.split('/')[0] ?? ''));
    assert.deepEqual(await place.keys(), kept);

    const last = backups.at(-1)?.name ?? '';
    const datadir = join(scratchDir('back'), 'data');
    const server = ['--server-binary', serverOf(product), `--datadir=${datadir}`];
    const from = `--from=${place.url(last)}`;
    const restored = await runWithBucket(place, ['restore', from, ...server]);
    assert.equal(restored.status, 0, restored.stderr);
    await proveSame(source, datadir, { replay: false });
  });
});
