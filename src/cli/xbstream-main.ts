import { xbstream } from './xbstream.ts';

const argv = process.argv.slice(2);
// Takes a key that was given as an argument out of the process list.
process.title = 'xbstream';
// A writer that goes on after a failure must not keep the process.
process.exit(await xbstream(argv));
