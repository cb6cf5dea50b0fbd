import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { before, describe, it } from 'node:test';
import { crc32c } from '../../formats/crc.ts';
import { fullCrc32FilHeader, fullCrc32FilTrailer } from '../../formats/innodb/index.ts';
import { logPayloadOffset, scanMiniTransactions } from '../../formats/mariadb-redo/index.ts';
import {
  type Checkpoints,
  decodeCheckpoints,
  encodeCheckpoints,
} from '../../formats/metadata/index.ts';
import type { FailureCode } from '../../src/errors.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import {
  fakeServer,
  lightCopyOf,
  serverThatSays,
  takeBackup,
  tryPrepare,
} from './prepare-support.ts';

const pageSize = 16_384;
/** A table whose pages are there and in use. */
const table = 'load_main/r_dynamic.ibd';
const checkpointsName = 'xtrabackup_checkpoints';

/** The backup that every test spoils a copy of, and a later one of the same server. */
let backup: string;
let later: string;
let checkpoints: Checkpoints;

before(async () => {
  const source = await startServer({
    name: 'source',
    options: ['--innodb-undo-tablespaces=3'],
  });
  const tables = await createSchema(source, { megabytes: 3 });
  await flushTable(source, 'load_main.r_dynamic');
  const load = await startLoad(source, tables, { pauseMs: 100 });
  backup = (await takeBackup(source)).directory;
  later = (await takeBackup(source)).directory;
  await load.stop();
  await source.kill();
  checkpoints = decodeCheckpoints(readFileSync(join(backup, checkpointsName)));
});

/** Has the server write a table's pages: a file whose page 0 only the redo log knows is not checked. */
async function flushTable(server: TestServer, name: string): Promise<void> {
  const session = await server.connect();
  await session.query(`FLUSH TABLES ${name} FOR EXPORT`);
  await session.query('UNLOCK TABLES');
  await session.end();
}

/** Puts another file in the place of one. */
function replace(path: string, bytes: Uint8Array): void {
  rmSync(path);
  writeFileSync(path, bytes);
}

function edit(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  replace(path, bytes);
}

/** Makes a file longer, or shorter for a negative number. */
function resize(path: string, by: number): void {
  const bytes = readFileSync(path);
  replace(path, by < 0 ? bytes.subarray(0, by) : Buffer.concat([bytes, Buffer.alloc(by)]));
}

const flip = (path: string, offset: number): void => {
  edit(path, (bytes) => {
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  });
};

/** Changes the LSN of a page and makes its checksum right again. */
function setPageLsn(path: string, page: number, lsn: bigint): void {
  edit(path, (bytes) => {
    const at = page * pageSize;
    const trailer = at + pageSize - fullCrc32FilTrailer.size;
    bytes.writeBigUInt64BE(lsn, at + fullCrc32FilHeader.offset.lsn);
    bytes.writeUInt32BE(Number(lsn & 0xffff_ffffn), trailer + fullCrc32FilTrailer.offset.lsnLow);
    const covered = bytes.subarray(at, at + pageSize - 4);
    bytes.writeUInt32BE(crc32c(covered), at + pageSize - 4);
  });
}

/** Where the last mini-transaction of a backup's redo log starts. */
function lastMiniTransaction(log: Uint8Array): number {
  let last = 0;
  const records = log.subarray(logPayloadOffset);
  const { consumed } = scanMiniTransactions(records, 0, {
    sequenceBit: () => 1,
    nonceBytes: 0,
    limitLsn: records.length,
    onMiniTransaction: (at) => {
      last = at;
    },
  });
  assert.equal(consumed, records.length);
  return logPayloadOffset + last;
}

/** A server that recovers what this backup holds: the control of every refusal. */
const goodLog = (): string[] => [
  `InnoDB: Starting crash recovery from checkpoint LSN=${readFirstLsn(backup)}`,
  `InnoDB: End of log at LSN=${checkpoints.lastLsn}`,
  'mariadbd: ready for connections.',
];

/** Byte 8 of the redo log: the LSN that it starts at. */
const readFirstLsn = (directory: string): bigint =>
  readFileSync(join(directory, 'ib_logfile0')).readBigUInt64BE(8);

interface Fault {
  what: string;
  spoil: (directory: string) => void;
  code: FailureCode;
  message: RegExp;
}

const redo = (directory: string): string => join(directory, 'ib_logfile0');

const faults: Fault[] = [
  {
    what: 'no redo log',
    spoil: (dir) => {
      rmSync(redo(dir));
    },
    code: 'corrupt',
    message: /ib_logfile0 of the backup is missing/u,
  },
  {
    what: 'half a redo log',
    spoil: (dir) => {
      resize(redo(dir), -Math.floor(readFileSync(redo(dir)).length / 2));
    },
    code: 'corrupt',
    message: /ib_logfile0/u,
  },
  {
    what: 'a redo log of its header only',
    spoil: (dir) => {
      replace(redo(dir), readFileSync(redo(dir)).subarray(0, logPayloadOffset));
    },
    code: 'corrupt',
    message: /ib_logfile0: .*the log ends here|ib_logfile0: FILE_CHECKPOINT/u,
  },
  {
    what: 'a redo log that lost its last mini-transaction',
    spoil: (dir) => {
      const log = readFileSync(redo(dir));
      replace(redo(dir), log.subarray(0, lastMiniTransaction(log)));
    },
    code: 'corrupt',
    message: /ib_logfile0(: FILE_CHECKPOINT| ends at LSN \d+, the backup recorded \d+)/u,
  },
  {
    what: 'a flipped bit in the header of the redo log',
    spoil: (dir) => {
      flip(redo(dir), 9);
    },
    code: 'corrupt',
    message: /ib_logfile0: redo log header/u,
  },
  {
    what: 'a flipped bit in the checkpoint of the redo log',
    spoil: (dir) => {
      flip(redo(dir), 4096 + 7);
    },
    code: 'corrupt',
    message: /ib_logfile0: redo checkpoint/u,
  },
  {
    what: 'a flipped bit in the middle of the redo log',
    spoil: (dir) => {
      const { length } = readFileSync(redo(dir));
      flip(redo(dir), Math.floor((length + logPayloadOffset) / 2));
    },
    code: 'corrupt',
    message: /ib_logfile0: mini-transaction at lsn \d+/u,
  },
  {
    what: 'the redo log of a later backup',
    spoil: (dir) => {
      replace(redo(dir), readFileSync(redo(later)));
    },
    code: 'corrupt',
    message: /ib_logfile0 ends at LSN \d+, the backup recorded \d+/u,
  },
  {
    what: 'a missing table file',
    spoil: (dir) => {
      rmSync(join(dir, table));
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd of the backup is missing/u,
  },
  {
    what: 'a missing definition of a table',
    spoil: (dir) => {
      rmSync(join(dir, table.replace('.ibd', '.frm')));
    },
    code: 'corrupt',
    message: /r_dynamic\.frm of the backup is missing/u,
  },
  {
    what: 'a table file that is a page short',
    spoil: (dir) => {
      resize(join(dir, table), -pageSize);
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd has \d+ bytes, the backup has \d+/u,
  },
  {
    what: 'a table file that is a byte long',
    spoil: (dir) => {
      resize(join(dir, table), 1);
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd has \d+ bytes, the backup has \d+/u,
  },
  {
    what: 'a missing undo file',
    spoil: (dir) => {
      rmSync(join(dir, 'undo002'));
    },
    code: 'corrupt',
    message: /undo002 of the backup is missing/u,
  },
  {
    what: 'a page with a flipped bit',
    spoil: (dir) => {
      flip(join(dir, table), 3 * pageSize + 500);
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd: page 3 at byte 49152: .*checksum/u,
  },
  {
    what: 'a page that is another page',
    spoil: (dir) => {
      edit(join(dir, table), (bytes) => {
        bytes.copyWithin(4 * pageSize, 3 * pageSize, 4 * pageSize);
      });
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd: page 4 at byte 65536: .*page number/u,
  },
  {
    what: 'a page from after the end of the backup',
    spoil: (dir) => {
      setPageLsn(join(dir, table), 3, checkpoints.lastLsn + 1n);
    },
    code: 'corrupt',
    message: /r_dynamic\.ibd: page 3 at byte 49152: LSN \d+ is beyond the backup's end, \d+/u,
  },
  {
    what: 'no checkpoints file',
    spoil: (dir) => {
      rmSync(join(dir, checkpointsName));
    },
    code: 'incomplete',
    message: /has no .*xtrabackup_checkpoints: it is no whole backup/u,
  },
  {
    what: 'a cut checkpoints file',
    spoil: (dir) => {
      resize(join(dir, checkpointsName), -40);
    },
    code: 'corrupt',
    message: /xtrabackup_checkpoints: /u,
  },
  {
    what: 'no info file',
    spoil: (dir) => {
      rmSync(join(dir, 'xtrabackup_info'));
    },
    code: 'incomplete',
    message: /has no .*xtrabackup_info/u,
  },
  {
    what: 'an unfinished extraction',
    spoil: (dir) => {
      mkdirSync(join(dir, 'xbpipe-partial'));
    },
    code: 'incomplete',
    message: /holds an unfinished extraction/u,
  },
  {
    what: 'pages of an incremental backup',
    spoil: (dir) => {
      const incremental = { ...checkpoints, backupType: 'incremental', fromLsn: 1n };
      replace(join(dir, checkpointsName), encodeCheckpoints(incremental));
    },
    code: 'chain',
    message: /is an incremental backup: it needs its full backup/u,
  },
];

describe('prepare', () => {
  for (const { what, spoil, code, message } of faults) {
    it(`refuses ${what} before a server is started`, async () => {
      const directory = lightCopyOf(backup);
      spoil(directory);
      const server = fakeServer(serverThatSays(...goodLog()));
      const { failure } = await tryPrepare(directory, server.path);
      assert.match(failure?.message ?? '', message);
      assert.equal(failure?.code, code);
      assert.equal(server.wasStarted(), false);
    });
  }

  it('refuses a backup of ours that lost its index, however it was decoded', async () => {
    const directory = lightCopyOf(backup);
    const index = join(directory, 'xbpipe_index.json');
    rmSync(index);
    const lost = await tryPrepare(directory, '/bin/false');
    assert.equal(lost.failure?.code, 'incomplete');
    assert.match(
      lost.failure.message,
      /has no xbpipe_index\.json: what is missing cannot be told/u,
    );
    writeFileSync(`${index}.zst.xbcrypt`, '');
    const closed = await tryPrepare(directory, '/bin/false');
    assert.match(
      closed.failure?.hint ?? '',
      /^xbpipe_index\.json\.zst\.xbcrypt is there: decrypt/u,
    );
  });

  it('accepts a page as young as the end of the backup', async () => {
    const directory = lightCopyOf(backup);
    setPageLsn(join(directory, table), 3, checkpoints.lastLsn);
    const server = fakeServer(serverThatSays(...goodLog()));
    const { failure, said } = await tryPrepare(directory, server.path);
    assert.equal(failure, undefined);
    assert.match(said, /\d{3,} pages checked/u);
    assert.equal(server.wasStarted(), true);
  });

  it('marks the backup as prepared, and does nothing the second time', async () => {
    const directory = lightCopyOf(backup);
    const server = fakeServer(serverThatSays(...goodLog()));
    assert.equal((await tryPrepare(directory, server.path)).failure, undefined);
    assert.match(
      readFileSync(join(directory, checkpointsName), 'utf8'),
      /^backup_type = log-applied$/mu,
    );
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('xbpipe_prepare')),
      [],
    );
    // No server is needed for that.
    const again = await tryPrepare(directory, '/missing/mariadbd');
    assert.equal(again.failure, undefined);
    assert.match(again.said, /is prepared already/u);
  });

  it('leaves a directory that is no backup as it is', async () => {
    const directory = lightCopyOf(backup);
    rmSync(join(directory, checkpointsName));
    const names = readdirSync(directory);
    await tryPrepare(directory);
    assert.deepEqual(readdirSync(directory), names);
    const missing = await tryPrepare(join(directory, 'missing'));
    assert.equal(missing.failure?.code, 'incomplete');
    assert.equal(existsSync(join(directory, 'missing')), false);
  });
});

describe('the server that recovers', () => {
  const refusal = async (path: string): Promise<{ code: string; message: string }> => {
    const { failure } = await tryPrepare(lightCopyOf(backup), path);
    return { code: failure?.code ?? '', message: failure?.message ?? '' };
  };

  it('must run, and be MariaDB of the same series or a later one', async () => {
    for (const [versionScript, message] of [
      [
        'echo "mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)"',
        /is version 8\.0\.36; the backup is of MariaDB 10\.11/u,
      ],
      [
        'echo "mysqld  Ver 11.11.1 for Linux on x86_64 (Source distribution)"',
        /is version 11\.11\.1;/u,
      ],
      [
        'echo "mariadbd  Ver 10.6.22-MariaDB for Linux on x86_64"',
        /is version 10\.6\.22-MariaDB;/u,
      ],
      ['echo "mariadbd  Ver 5.5.68-MariaDB for Linux on x86_64"', /is version 5\.5\.68-MariaDB;/u],
      ['echo something else', /is version something else;/u],
      ['exit 3', /does not run/u],
    ] as const) {
      const server = fakeServer('exit 0', versionScript);
      const { code, message: found } = await refusal(server.path);
      assert.match(found, message);
      assert.equal(code, 'recovery');
      assert.equal(server.wasStarted(), false);
    }
    const missing = await refusal('/missing/mariadbd');
    assert.equal(missing.code, 'recovery');
    assert.match(missing.message, /\/missing\/mariadbd does not run: .*ENOENT/u);
    const later = fakeServer(
      serverThatSays(...goodLog()),
      'echo "mariadbd  Ver 11.8.6-MariaDB for Linux on x86_64"',
    );
    assert.deepEqual(await refusal(later.path), { code: '', message: '' });
  });

  it('may be named by a path from where the tool runs', async () => {
    const server = fakeServer(serverThatSays(...goodLog()));
    const path = relative(process.cwd(), server.path);
    const { failure } = await tryPrepare(lightCopyOf(backup), path);
    assert.equal(failure, undefined);
    assert.equal(server.wasStarted(), true);
  });

  const bad: [string, () => string, RegExp][] = [
    ['ends at once', () => 'exit 7', /the server ended with status 7/u],
    ['is killed', () => 'kill -KILL $$', /the server ended with SIGKILL/u],
    ['is never ready', () => 'exit 0', /the server never became ready/u],
    [
      'goes on after an error',
      () =>
        serverThatSays(
          '[ERROR] InnoDB: Tablespace 7 is broken',
          'mariadbd: ready for connections.',
        ),
      /did not recover: .*Tablespace 7 is broken/su,
    ],
    [
      'hangs after an error and does not listen to signals',
      () =>
        `trap '' TERM; ${serverThatSays('[ERROR] InnoDB: Plugin initialization aborted').replace(/^trap.*\n/u, '')}`,
      /Plugin initialization aborted/u,
    ],
    [
      'says that a page is in the future',
      () => serverThatSays('InnoDB: Page 1 log sequence number 9 is in the future!', ...goodLog()),
      /is in the future/u,
    ],
    [
      'recovers too little',
      () =>
        serverThatSays(
          ...goodLog().map((line) =>
            line.replace(/End of log at LSN=\d+/u, 'End of log at LSN=4711'),
          ),
        ),
      /the server recovered LSN \d+ to 4711 instead of \d+ to \d+/u,
    ],
    [
      'recovers from another checkpoint',
      () =>
        serverThatSays(
          ...goodLog().map((line) => line.replace(/checkpoint LSN=\d+/u, 'checkpoint LSN=4711')),
        ),
      /the server recovered LSN 4711 to \d+ instead of \d+ to \d+/u,
    ],
    [
      'recovers nothing at all',
      () => serverThatSays('mariadbd: ready for connections.'),
      /the server recovered nothing, though the redo log reaches LSN \d+/u,
    ],
    [
      'fails at its shutdown',
      () => serverThatSays(...goodLog()).replace('exit 0', 'exit 5'),
      /the server ended with status 5/u,
    ],
  ];

  for (const [what, script, message] of bad) {
    it(`is not believed when it ${what}`, async () => {
      const directory = lightCopyOf(backup);
      const { failure } = await tryPrepare(directory, fakeServer(script()).path);
      assert.match(failure?.message ?? '', message);
      assert.equal(failure?.code, 'recovery');
      assert.match(failure.hint ?? '', /extract the backup again/u);
      assert.match(
        readFileSync(join(directory, checkpointsName), 'utf8'),
        /^backup_type = full-backuped$/mu,
      );
    });
  }
});
