// npm run bench: ratios side by side with the peers, in one run.

import { benchStreams } from './backup.ts';
import { benchBucket } from './bucket.ts';
import { benchChain } from './chain.ts';
import { startSource } from './source.ts';
import { benchTracking } from './tracking.ts';

const parts = { streams: benchStreams, bucket: benchBucket, chain: benchChain };
const [, , wanted] = process.argv;
if (wanted !== 'tracking') {
  const source = await startSource();
  for (const [name, bench] of Object.entries(parts)) {
    if ((wanted ?? name) === name) await bench(source);
  }
  await source.server.stop();
}
if ((wanted ?? 'tracking') === 'tracking') await benchTracking();
