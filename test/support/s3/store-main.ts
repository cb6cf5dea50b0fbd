// The program of the embedded store: `store-main.js FOLDER LIMITS`, forked by store-process.ts.

import type { S3Limits } from './limits.ts';
import { startStoreServer } from './store-server.ts';

export interface StoreReady {
  readonly endpoint: string;
  readonly bucket: string;
}

export interface StoreQuestion {
  readonly ask: 'keys' | 'openUploads' | 'requestCounts' | 'resetCounts';
  readonly prefix: string;
}

export interface StoreAnswer {
  readonly value: unknown;
}

const [, , folder = '', limits = '{}'] = process.argv;
const store = await startStoreServer(folder, JSON.parse(limits) as Partial<S3Limits>);
process.on('message', ({ ask, prefix }: StoreQuestion) => {
  process.send?.({ value: store[ask](prefix) ?? null } satisfies StoreAnswer);
});
process.on('disconnect', () => process.exit());
process.send?.({ endpoint: store.endpoint, bucket: store.bucket } satisfies StoreReady);
