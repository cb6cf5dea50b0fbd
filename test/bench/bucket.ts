// To and from the embedded store, side by side with rclone, on the same data.

import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { startS3Process, type S3Place } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { compare } from './measure.ts';
import { shell } from './shell.ts';
import type { Source } from './source.ts';

const rclone = resolve('.cache/rclone/bin/rclone');

/** rclone's configuration of a place that it calls `store:`. */
const rcloneEnvironment = ({ endpoint, environment }: S3Place): Record<string, string> => ({
  RCLONE_CONFIG: '/dev/null',
  RCLONE_CONFIG_STORE_TYPE: 's3',
  RCLONE_CONFIG_STORE_PROVIDER: 'Other',
  RCLONE_CONFIG_STORE_ENDPOINT: endpoint,
  RCLONE_CONFIG_STORE_REGION: environment['AWS_REGION'] ?? '',
  RCLONE_CONFIG_STORE_ACCESS_KEY_ID: environment['AWS_ACCESS_KEY_ID'] ?? '',
  RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
});

export async function benchBucket({ tool, ours, warm }: Source): Promise<void> {
  const place = await startS3Process();
  Object.assign(process.env, place.environment, rcloneEnvironment(place));
  // rclone stumbles over it, and the store has no TLS.
  delete process.env['AWS_CA_BUNDLE'];
  const endpoint = `--s3-endpoint=${place.endpoint}`;
  const object = `store:${place.bucket}/${place.prefix}peer.xbs`;
  const remove = async (): Promise<void> => {
    await shell(`${rclone} delete store:${place.bucket}/${place.prefix}`);
  };
  const empty = async (): Promise<void> => {
    await remove();
    await warm();
    await place.resetCounts();
  };
  const note = async (): Promise<string> => {
    const counts = Object.values((await place.requestCounts()) ?? {});
    return `, ${counts.reduce((sum, count) => sum + count, 0)} requests`;
  };
  const toBucket = `${ours} ${endpoint} --to=${place.url('own')}`;
  const toPeer = `${ours} | ${rclone} rcat ${object}`;
  const peer = 'xbpipe | rclone rcat';
  const up = { title: 'into a bucket', ours: toBucket, theirs: toPeer, peer, goal: 1 };
  await compare({ ...up, before: empty, note });

  await remove();
  await shell(toBucket);
  await shell(toPeer);
  const into = join(scratchDir('bench'), 'into');
  const before = async (): Promise<void> => {
    rmSync(into, { recursive: true, force: true });
    await place.resetCounts();
  };
  await compare({
    title: 'extracted from a bucket',
    ours: `${tool} extract --no-defaults ${endpoint} --from=${place.url('own')} -C ${into}`,
    theirs: `${rclone} cat ${object} | ${tool} extract --no-defaults -C ${into}`,
    peer: 'rclone cat | xbpipe extract',
    goal: 1,
    before,
    note,
  });
  await place.stop();
}
