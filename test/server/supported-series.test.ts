import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BackupError } from '../../src/errors.ts';
import { supportedSeries, supportedServers } from '../../src/server/supported-series.ts';

describe('supportedSeries', () => {
  it('takes the MariaDB releases whose backup stages copy as described', () => {
    for (const [version, series] of [
      ['10.11.8-MariaDB', [10, 11, 8]],
      ['10.11.19-MariaDB-0+deb12u1-log', [10, 11, 19]],
      ['5.5.5-10.11.19-MariaDB', [10, 11, 19]],
      ['11.1.5-MariaDB', [11, 1, 5]],
      ['11.2.4-MariaDB', [11, 2, 4]],
      ['11.3.2-MariaDB', [11, 3, 2]],
      ['11.4.2-MariaDB', [11, 4, 2]],
      ['11.8.6-MariaDB-0+deb13u1', [11, 8, 6]],
      ['12.0.2-MariaDB', [12, 0, 2]],
    ] as const) {
      assert.deepEqual(supportedSeries(version), series);
    }
  });

  it('takes MySQL and Percona Server from 8.0.30 on', () => {
    for (const [version, series] of [
      ['8.0.30', [8, 0, 30]],
      ['8.0.36-28', [8, 0, 36]],
      ['8.4.0', [8, 4, 0]],
      ['9.7.4-2', [9, 7, 4]],
      ['10.0.1', [10, 0, 1]],
    ] as const) {
      assert.deepEqual(supportedSeries(version), series);
    }
  });

  it('refuses everything else, and says what is supported', () => {
    for (const version of [
      '5.7.44-log',
      '8.0.29',
      '8.0.11-TiDB-v7',
      '10.5.28-MariaDB',
      '10.6.22-MariaDB',
      '10.11.7-MariaDB',
      '5.5.5-10.11.7-MariaDB',
      '11.0.6-MariaDB',
      '11.1.4-MariaDB',
      '11.2.3-MariaDB',
      '11.4.1-MariaDB',
      '5.5.5-MariaDB',
      '11-MariaDB',
      '',
    ]) {
      assert.throws(
        () => supportedSeries(version),
        (error) =>
          error instanceof BackupError &&
          error.message === `server version ${version} is not supported` &&
          error.hint === `supported: ${supportedServers}`,
        version,
      );
    }
  });
});
