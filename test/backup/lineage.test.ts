import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type Descendant, checkLineage } from '../../src/backup/parent/lineage.ts';
import { type Parent, parentByLsn } from '../../src/backup/parent/parent.ts';
import { BackupError } from '../../src/errors.ts';
import type { MariadbInfo } from '../../src/server/mariadb/mariadb-info.ts';

const parent: Parent = {
  name: 'the full backup',
  backupId: 'parent',
  redoStart: 5000,
  toLsn: 5500,
  lastLsn: 6000,
  flavour: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  pageSize: 16384,
  serverId: 'uid',
  redoBegan: 12_288,
  lastRestore: { restoredFrom: 'older', restoredAt: 'monday' },
};

const redo = { checkpointLsn: 7000, currentLsn: 7500, beganLsn: 12_288, capacity: 1 };

function server(
  info: Partial<Pick<MariadbInfo, 'pageSize' | 'series' | 'version' | 'identity'>> & {
    flavour?: 'mariadb' | 'mysql';
  } = {},
  more: Partial<Descendant['redo']> = {},
  redoGap?: string,
): Descendant {
  const common = { flavour: 'mariadb', version: '10.11.19-MariaDB', series: [10, 11, 19] };
  const whole = { ...common, pageSize: 16384, identity: 'uid', ...info } as MariadbInfo;
  return {
    info: whole,
    redo: { ...redo, ...more },
    redoGap,
    lastRestore: { ...parent.lastRestore },
  };
}

function refusal(of: Parent, now: Descendant): BackupError {
  try {
    checkLineage(of, now);
  } catch (error) {
    assert.ok(error instanceof BackupError);
    assert.equal(error.code, 'chain');
    assert.match(error.message, /^no increment can be taken on the full backup: /u);
    assert.match(error.hint ?? '', /take a full backup/u);
    return error;
  }
  assert.fail('it was accepted');
}

describe('the lineage of an increment', () => {
  it('holds on the same server, later or a moment later, and after an upgrade', () => {
    checkLineage(parent, server());
    checkLineage(parent, server({}, { checkpointLsn: 5000, currentLsn: 6000 }));
    checkLineage(parent, server({ series: [11, 8, 2], version: '11.8.2-MariaDB' }));
  });

  it('holds when the redo log was resized since, or where it began is not known', () => {
    checkLineage(parent, server({}, { beganLsn: 6000 }));
    checkLineage(parent, server({}, { beganLsn: undefined }));
    checkLineage({ ...parent, redoBegan: undefined }, server({}, { beganLsn: 5500 }));
  });

  it('holds when the server was restored from the parent, or has lost what tells from where', () => {
    for (const restoredFrom of ['parent', undefined]) {
      checkLineage(parent, { ...server(), lastRestore: { restoredFrom, restoredAt: 'today' } });
    }
    checkLineage({ ...parent, lastRestore: {} }, { ...server(), lastRestore: {} });
    // Of a backup by another tool nobody knows what its server was restored from.
    checkLineage({ ...parent, lastRestore: undefined }, server());
  });

  it('ends when the server was restored from another backup, once more, or for the first time', () => {
    for (const restoredFrom of ['oldest', 'older']) {
      const lastRestore = { restoredFrom, restoredAt: 'today' };
      const { message } = refusal(parent, { ...server(), lastRestore });
      assert.match(message, new RegExp(`restored since, from the backup ${restoredFrom} `, 'u'));
    }
    refusal({ ...parent, lastRestore: {} }, server());
  });

  it('is not checked where nothing but an LSN is known', () => {
    checkLineage(parentByLsn(7000), server());
    assert.throws(() => {
      checkLineage(parentByLsn(7001), server());
    }, /starts at LSN 7001, past the server's newest checkpoint 7000/u);
  });

  for (const [name, now, why] of [
    ['another product', server({ flavour: 'mysql' }), /of mariadb, and the server is mysql/u],
    ['another page size', server({ pageSize: 4096 }), /pages have 16384 bytes.* 4096/u],
    [
      'an older version',
      server({ series: [10, 11, 18], version: '10.11.18-MariaDB' }),
      /of version 10\.11\.19-MariaDB-log, .* the older 10\.11\.18-MariaDB/u,
    ],
    ['another server', server({ identity: 'other' }), /of server uid, and this one is other/u],
    ['an LSN that went back', server({}, { currentLsn: 5999 }), /at 5999: it was restored/u],
    ['an older checkpoint', server({}, { checkpointLsn: 4999 }), /past .* checkpoint 4999/u],
    ['a restore since', server({}, { beganLsn: 5999 }), /restored since: .* at LSN 5999/u],
    ['a gap in the redo', server({}, {}, 'at noon: it is off'), /was off since \(at noon: it/u],
  ] as const) {
    it(`is refused with ${name}`, () => {
      assert.match(refusal(parent, now).message, why);
    });
  }

  it("is refused with what MariaDB's server_uid depends on", () => {
    const { hint = '' } = refusal(parent, server({ identity: 'other' }));
    assert.match(hint, /port and the network card/u);
  });
});
