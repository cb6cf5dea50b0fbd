// What bin/xbpipe.js is in a checkout, beside the tests of any build folder.

import { writeFileSync } from 'node:fs';

import { main } from '../../src/cli/main.ts';

// What the process used, for a test that wants to know: see `runMeasured`.
const usageFile = process.env['XBPIPE_TEST_USAGE'];
if (usageFile !== undefined) {
  process.on('exit', () => {
    const { maxRSS, fsWrite } = process.resourceUsage();
    writeFileSync(usageFile, JSON.stringify({ maxRSS, fsWrite }));
  });
}

await main(process.argv.slice(2));
