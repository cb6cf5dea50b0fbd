import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { warnOfOtherPlace } from '../../src/cli/warn-of-chain.ts';
import { parsePlace } from '../../src/store/place-url.ts';
import { runTool } from '../support/tool.ts';

function warnings(target: string, base: string): number {
  let count = 0;
  const warn = (): void => {
    count += 1;
  };
  const reporter = { info: () => undefined, progress: () => undefined, warn };
  warnOfOtherPlace(parsePlace(target), parsePlace(base), reporter);
  return count;
}

describe('a backup', () => {
  it('warns of an increment that a restore would find no chain for', () => {
    assert.equal(warnings('other/inc', 'repo/full'), 1);
    assert.equal(warnings('s3://b/repo/inc', 's3://b/repository/full'), 1);
    assert.equal(warnings('s3://b/inc', 'repo/full'), 1);
    assert.equal(warnings('s3://a/inc', 's3://b/full'), 1);
  });

  it('does not where the parent lies beside it or below', () => {
    assert.equal(warnings('repo/inc', `file://${resolve('repo/full')}/`), 0);
    assert.equal(warnings('repo/inc', './repo/sunday/full'), 0);
    assert.equal(warnings('inc', 'full'), 0);
    assert.equal(warnings('s3://b/inc', 's3://b/full'), 0);
    assert.equal(warnings('s3://b/repo/inc', 's3://b/repo/full'), 0);
  });

  it('refuses parents that only a table of XtraBackup knows, and says what to name', async () => {
    const args = ['backup', '--no-defaults', '--incremental-history-name=sunday'];
    const { status, stderr } = await runTool(args);
    assert.equal(status, 2);
    assert.match(stderr, /no table of backups is kept(.*\n)+HINT: .*--incremental-base/u);
  });
});
