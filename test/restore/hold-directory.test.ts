import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { holdDirectory } from '../../src/restore/hold-directory.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';

describe('a directory that is held', () => {
  it('is refused to the next, by whatever name, until the work is done', async () => {
    const directory = join(scratchDir('hold'), 'files');
    mkdirSync(directory);
    const told = await holdDirectory(directory, async () => {
      const error = await failureOf(() => holdDirectory(`${directory}/../files/.`, never));
      renameSync(directory, `${directory}-2`);
      await failureOf(() => holdDirectory(`${directory}-2`, never));
      return error;
    });
    assert.equal(told.code, 'storage');
    assert.match(told.message, /another xbpipe is at work in/u);
    assert.equal(await holdDirectory(`${directory}-2`, () => Promise.resolve('free')), 'free');
  });

  it('is free again when the work fails, and need not be there', async () => {
    const directory = scratchDir('hold');
    const fail = (): Promise<never> => Promise.reject(new Error('of the work'));
    await assert.rejects(holdDirectory(directory, fail), /of the work/u);
    await assert.rejects(holdDirectory(directory, fail), /of the work/u);
    await assert.rejects(holdDirectory(join(directory, 'gone'), fail), /of the work/u);
  });
});

const never = (): Promise<never> => assert.fail('two hold it');
