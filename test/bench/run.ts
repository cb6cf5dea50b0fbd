// npm run bench: ratios side by side with the peers, in one run.

import { benchStreams } from './backup.ts';
import { benchBucket } from './bucket.ts';
import { startSource } from './source.ts';

const source = await startSource();
const wanted = process.argv[2];
if (wanted !== 'bucket') await benchStreams(source);
if (wanted !== 'streams') await benchBucket(source);
await source.server.stop();
