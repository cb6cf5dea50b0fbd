// What bin/xbpipe.js is in a checkout, beside the tests of any build folder.

import { main } from '../../src/cli/main.ts';

await main(process.argv.slice(2));
