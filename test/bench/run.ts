// npm run bench: ratios side by side with the peers, in one run.

import { benchStreams } from './backup.ts';
import { benchBucket } from './bucket.ts';
import { benchChain } from './chain.ts';
import { startSource } from './source.ts';

const source = await startSource();
const parts = { streams: benchStreams, bucket: benchBucket, chain: benchChain };
for (const [name, bench] of Object.entries(parts)) {
  if ((process.argv[2] ?? name) === name) await bench(source);
}
await source.server.stop();
