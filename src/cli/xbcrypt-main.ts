import { xbcrypt } from './xbcrypt.ts';

const argv = process.argv.slice(2);
// Takes a key that was given as an argument out of the process list.
process.title = 'xbcrypt';
process.exitCode = await xbcrypt(argv);
