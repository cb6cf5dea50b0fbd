const argv = process.argv.slice(2);
// First of all, before the rest is loaded: from here on a key among the arguments is in no process list.
process.title = 'xbstream';
const { xbstream } = await import('./xbstream.ts');
// A writer that goes on after a failure must not keep the process.
process.exit(await xbstream(argv));
