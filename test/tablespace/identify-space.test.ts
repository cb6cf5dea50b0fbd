import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { Flavour } from '../../src/server/flavour.ts';
import {
  type SpaceIdentity,
  describingPageCheck,
  identifySpace,
} from '../../src/tablespace/identify-space.ts';
import { vector } from '../formats/innodb/vectors.ts';
import { scratchDir } from '../support/scratch.ts';

const folder = scratchDir('identify-space');

/** What page 0 says when it is all of a file. */
function identify(page0: Uint8Array, flavour: Flavour): SpaceIdentity | undefined {
  const path = join(folder, 't.ibd');
  writeFileSync(path, page0);
  const fd = openSync(path, 'r');
  try {
    return identifySpace(fd, flavour);
  } finally {
    closeSync(fd);
  }
}

describe('the identity of a tablespace', () => {
  it('is read by the rules of the server that wrote it', () => {
    const mysql = vector('mysql-encrypted-header');
    const { spaceId, format } = mysql;
    const flags = 0x60e1;
    assert.deepEqual(identify(mysql.page(), 'mysql'), { spaceId, flags, format });
    assert.throws(() => identify(mysql.page(), 'mariadb'), { kind: 'invalid' });
    const mariadb = vector('full-crc32-dynamic-header');
    assert.equal(identify(mariadb.page(), 'mariadb')?.format.fullCrc32, true);
    assert.throws(() => identify(mariadb.page(), 'mysql'), { kind: 'invalid' });
  });

  it('is known of a new file of MySQL, and not of a file of zeros', () => {
    const plain = identify(vector('mysql-young-header').page(), 'mysql');
    assert.equal(plain?.spaceId, 2);
    const zip = identify(vector('mysql-zip-young-header').page(), 'mysql');
    assert.equal(zip?.format.physicalPageSize, 4096);
    assert.equal(identify(Buffer.alloc(16384), 'mysql'), undefined);
    assert.equal(identify(Buffer.alloc(100), 'mysql'), undefined);
  });
});

describe('the check in words', () => {
  it('tells what is wrong with a page', () => {
    const { spaceId, format, page, pageNumber } = vector('mysql-leaf-old');
    const check = describingPageCheck({ spaceId, format });
    assert.equal(check(page(), pageNumber), undefined);
    assert.equal(check(page(), pageNumber + 1), 'page number 8, expected 9');
  });

  it('counts the pages of the files before it', () => {
    const { spaceId, format, page, pageNumber } = vector('mysql-trx-sys');
    const check = describingPageCheck({ spaceId, format }, pageNumber);
    assert.equal(check(page(), 0), undefined);
    assert.equal(check(page(), pageNumber), 'page number 5, expected 10');
  });

  it('leaves out the old doublewrite area of the system tablespace', () => {
    const { format } = vector('mysql-trx-sys');
    const foreign = vector('mysql-leaf-old').page().fill(7, 1000, 2000);
    const check = describingPageCheck({ spaceId: 0, format });
    assert.deepEqual(
      [255, 256, 767, 768].map((number) => check(foreign, number) === undefined),
      [false, true, true, false],
    );
    const second = describingPageCheck({ spaceId: 0, format }, 200);
    assert.deepEqual(
      [55, 56, 567, 568].map((number) => second(foreign, number) === undefined),
      [false, true, true, false],
    );
    const other = describingPageCheck({ spaceId: 1, format });
    assert.notEqual(other(foreign, 300), undefined);
  });
});
