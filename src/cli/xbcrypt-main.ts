const argv = process.argv.slice(2);
// First of all, before the rest is loaded: from here on a key among the arguments is in no process list.
process.title = 'xbcrypt';
const { xbcrypt } = await import('./xbcrypt.ts');
process.exitCode = await xbcrypt(argv);
