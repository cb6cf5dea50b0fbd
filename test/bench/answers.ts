// Starts a server on a data directory, asks it for something, and ends it the hard way.

import { startServer } from '../support/server.ts';
import { options } from './source.ts';

const datadir = process.argv[2];
if (datadir === undefined) throw new Error('a data directory is wanted');
const server = await startServer({ name: 'restored', options, datadir });
await server.query('SELECT COUNT(*) FROM bench.t1 WHERE id < 1000');
await server.kill();
