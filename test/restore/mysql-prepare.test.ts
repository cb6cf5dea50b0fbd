import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import {
  type Checkpoints,
  decodeCheckpoints,
  encodeCheckpoints,
} from '../../formats/metadata/index.ts';
import { blockTable, decodeCheckpoint } from '../../formats/mysql-redo/index.ts';
import { openSource } from '../../src/cli/open-source.ts';
import { BackupError, type FailureCode } from '../../src/errors.ts';
import { restore } from '../../src/restore/restore.ts';
import { findProgram, leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { storeAccess } from '../support/store-access.ts';
import {
  type Backups,
  blockSize,
  edit,
  fakeMysqld,
  fixBlock,
  flip,
  fullCopyOf,
  headerSize,
  linkedCopyOf,
  middleBlockOf,
  mysqld,
  pack,
  pageSize,
  product,
  redoOf,
  replace,
  resize,
  setLogHeader,
  setPageLsn,
  takeBackups,
} from './mysql-support.ts';
import {
  fakeServer,
  type FakeServer,
  type Outcome,
  serverThatSays,
  tryPrepare,
} from './prepare-support.ts';

const table = 'load_main/r_dynamic.ibd';
/** A table of which nothing is in the redo. */
const quiet = 'load_main/quiet.ibd';
/** One whose last row, far behind page 32, is changed by the redo. */
const busy = 'load_main/busy.ibd';
const checkpointsName = 'xtrabackup_checkpoints';
const version = '9.7.4';

/** The backups that every test spoils a copy of. */
let backups: Backups;

const kinds = ['extracted', 'direct'] as const;
type Kind = (typeof kinds)[number];

const checkpointsOf = (directory: string): Checkpoints =>
  decodeCheckpoints(readFileSync(join(directory, checkpointsName)));

const setCheckpoints = (directory: string, change: Partial<Checkpoints>): void => {
  const bytes = encodeCheckpoints({ ...checkpointsOf(directory), ...change });
  replace(join(directory, checkpointsName), bytes);
};

const checkpointLsnOf = (directory: string): number =>
  decodeCheckpoint(readFileSync(redoOf(directory)), blockSize);

const startLsnOf = (directory: string): number =>
  Number(readFileSync(redoOf(directory)).readBigUInt64BE(8));

/** A server that recovers what the backup holds: the control of every refusal. */
const goodLog = (directory: string): string[] => [
  `[MY-013883] [InnoDB] The latest found checkpoint is at lsn = ${checkpointLsnOf(directory)} in redo log file ./#innodb_redo/#ib_redo0.`,
  '[MY-012550] [InnoDB] Doing recovery: scanned up to log sequence number 4711',
  `[MY-012550] [InnoDB] Doing recovery: scanned up to log sequence number ${checkpointsOf(directory).lastLsn}`,
  '[MY-010931] [Server] mysqld: ready for connections.',
];

interface Fault {
  what: string;
  spoil: (directory: string, other: string) => void;
  code: FailureCode;
  message: RegExp;
}

const damage = (what: string, spoil: Fault['spoil'], message: RegExp): Fault => ({
  what,
  spoil,
  code: 'corrupt',
  message,
});

const remove = (name: string): Fault['spoil'] => {
  return (dir) => {
    rmSync(join(dir, name));
  };
};

const redoFaults: Fault[] = [
  damage(
    'no redo log',
    (dir) => {
      rmSync(redoOf(dir));
    },
    /xtrabackup_logfile of the backup is missing/u,
  ),
  damage(
    'an empty redo log',
    (dir) => {
      replace(redoOf(dir), Buffer.alloc(0));
    },
    /xtrabackup_logfile: redo log header/u,
  ),
  damage(
    'a redo log of its header only',
    (dir) => {
      replace(redoOf(dir), readFileSync(redoOf(dir)).subarray(0, headerSize));
    },
    /xtrabackup_logfile: .*no blocks, before the end \d+/u,
  ),
  damage(
    'the redo log of another backup of the same server',
    (dir, other) => {
      replace(redoOf(dir), readFileSync(redoOf(other)));
    },
    /xtrabackup_logfile: .*the blocks end at LSN \d+, before|begins at LSN \d+, the backup recorded|ends at LSN \d+, the backup recorded/u,
  ),
  damage(
    'a redo log that says to start a block later',
    (dir) => {
      setLogHeader(redoOf(dir), { startLsn: startLsnOf(dir) + blockSize });
    },
    /xtrabackup_logfile: redo checkpoint > checkpointLsn.*is not in the first block/u,
  ),
  damage(
    'a redo log that says to start, and to recover, a block later',
    (dir) => {
      setLogHeader(redoOf(dir), {
        startLsn: startLsnOf(dir) + blockSize,
        checkpointLsn: checkpointLsnOf(dir) + blockSize,
      });
    },
    /xtrabackup_logfile: redo block at LSN \d+ .*where \d+ of epoch 1 belongs/u,
  ),
  damage(
    'a redo log that lost its first block',
    (dir) => {
      setLogHeader(redoOf(dir), {
        startLsn: startLsnOf(dir) + blockSize,
        checkpointLsn: checkpointLsnOf(dir) + blockSize,
      });
      const log = readFileSync(redoOf(dir));
      const rest = log.subarray(headerSize + blockSize);
      replace(redoOf(dir), Buffer.concat([log.subarray(0, headerSize), rest]));
    },
    /xtrabackup_logfile begins at LSN \d+, the backup recorded \d+/u,
  ),
  damage(
    'a redo log that lost its last block',
    (dir) => {
      resize(redoOf(dir), -blockSize);
    },
    /xtrabackup_logfile: .*the blocks end at LSN \d+, before the end \d+/u,
  ),
  damage(
    'a redo log that lost half of a block',
    (dir) => {
      resize(redoOf(dir), -blockSize / 2);
    },
    /xtrabackup_logfile: redo block/u,
  ),
  damage(
    'a redo log whose last block is longer than the backup says',
    (dir) => {
      edit(redoOf(dir), (bytes) => {
        const last = bytes.length - blockSize;
        bytes.writeUInt16BE(507, last + blockTable.offset.dataLength);
        fixBlock(bytes, last);
      });
      // An end that is the last one possible could not be passed.
      const { lastLsn } = checkpointsOf(dir);
      if (lastLsn % 512n === 507n) setCheckpoints(dir, { lastLsn: lastLsn - 1n });
    },
    /xtrabackup_logfile ends at LSN \d+, the backup recorded \d+/u,
  ),
  damage(
    'a redo log that ends before the LSN that the backup recorded',
    (dir) => {
      setCheckpoints(dir, { lastLsn: checkpointsOf(dir).lastLsn + 512n });
    },
    /xtrabackup_logfile: .*the blocks end at LSN \d+, before the end \d+/u,
  ),
  damage(
    'a redo log with an unwritten block in the middle',
    (dir) => {
      const middle = middleBlockOf(dir);
      edit(redoOf(dir), (bytes) => {
        bytes.fill(0, middle, middle + blockSize);
      });
    },
    /xtrabackup_logfile: redo block/u,
  ),
  ...(
    [
      ['its header', () => 9, /xtrabackup_logfile: redo log header > crc/u],
      ['its checkpoint', () => 512 + 15, /xtrabackup_logfile: redo checkpoint > crc/u],
      [
        'its first block',
        () => headerSize + 100,
        /xtrabackup_logfile: redo block at LSN \d+.*damaged/u,
      ],
      [
        'a later block',
        (dir: string) => middleBlockOf(dir) + 1,
        /xtrabackup_logfile: redo block at LSN \d+/u,
      ],
    ] as const
  ).map(([where, offsetIn, message]) =>
    damage(
      `a flipped bit in ${where} of the redo log`,
      (dir) => {
        flip(redoOf(dir), offsetIn(dir));
      },
      message,
    ),
  ),
];

const fileFaults: Fault[] = [
  ...[
    'undo_001',
    'undo_002',
    'mysql.ibd',
    'ibdata1',
    table,
    quiet,
    'general_inside.ibd',
    'load_main/myisam.MYD',
    'bin.index',
  ].map((name) =>
    damage(
      `a missing ${name}`,
      remove(name),
      new RegExp(`${name.replace('.', '\\.')} of the backup is missing`, 'u'),
    ),
  ),
  ...(
    [
      ['that is a page short', -pageSize],
      ['that is some bytes short', -100],
      ['that is a page longer', pageSize],
      ['that is a byte longer', 1],
    ] as const
  ).flatMap(([what, by]) =>
    [table, quiet].map((name) =>
      damage(
        `a ${name} ${what}`,
        (dir) => {
          resize(join(dir, name), by);
        },
        /\.ibd has \d+ bytes, the backup has \d+/u,
      ),
    ),
  ),
  damage(
    'a torn page',
    (dir) => {
      edit(join(dir, table), (bytes) => {
        const half = bytes.subarray(4.5 * pageSize, 5 * pageSize);
        half.set(half.map((byte) => byte ^ 0x55));
      });
    },
    /r_dynamic\.ibd: page 4 at byte 65536: /u,
  ),
  damage(
    'a flipped bit in a page of the data dictionary',
    (dir) => {
      flip(join(dir, 'mysql.ibd'), 5 * pageSize + 4000);
    },
    /mysql\.ibd: page 5 at byte 81920: .*checksum/u,
  ),
  damage(
    'a flipped bit in an undo page',
    (dir) => {
      flip(join(dir, 'undo_001'), 3 * pageSize + 4000);
    },
    /undo_001: page 3 at byte 49152: .*checksum/u,
  ),
  damage(
    'a page that is another page',
    (dir) => {
      edit(join(dir, table), (bytes) => {
        bytes.copyWithin(4 * pageSize, 5 * pageSize, 6 * pageSize);
      });
    },
    /r_dynamic\.ibd: page 4 at byte 65536: .*page number/u,
  ),
  damage(
    'a page from after the end of the backup',
    (dir) => {
      setPageLsn(join(dir, quiet), 3, Number(checkpointsOf(dir).lastLsn) + 1);
    },
    /quiet\.ibd: page 3 at byte 49152: LSN \d+ is beyond the backup's end, \d+/u,
  ),
];

const metadataFaults: Fault[] = [
  {
    what: 'no checkpoints file',
    spoil: remove(checkpointsName),
    code: 'incomplete',
    message: /has no .*xtrabackup_checkpoints.*: it is no whole backup/u,
  },
  {
    what: 'no info file',
    spoil: remove('xtrabackup_info'),
    code: 'incomplete',
    message: /has no .*xtrabackup_info/u,
  },
  damage(
    'a cut checkpoints file',
    (dir) => {
      resize(join(dir, checkpointsName), -70);
    },
    /xtrabackup_checkpoints: /u,
  ),
  {
    what: 'a place below a hidden directory',
    spoil: (dir) => {
      // The directory itself stays where it is known to be; a part of its path is a link.
      const hidden = join(dir, '..', '.hidden');
      mkdirSync(hidden);
      renameSync(dir, join(hidden, 'files'));
    },
    code: 'recovery',
    message: /MySQL finds no tablespace below a hidden directory/u,
  },
];

/** The directory after the harm, which may have moved it. */
const spoiled = (kind: Kind, { spoil }: Fault): string => {
  const directory = linkedCopyOf(backups[kind]);
  spoil(directory, backups[kind === 'direct' ? 'extracted' : 'direct']);
  const hidden = join(directory, '..', '.hidden', 'files');
  return statSync(hidden, { throwIfNoEntry: false }) ? hidden : directory;
};

describe('prepare of a backup of MySQL', { skip: leftOut(product) }, () => {
  before(async () => {
    const source = await startServer({ name: 'source', product });
    backups = await takeBackups(source);
    await source.kill();
  });

  for (const kind of kinds) {
    for (const fault of [...redoFaults, ...fileFaults, ...metadataFaults]) {
      it(`refuses ${fault.what} before a server is started (${kind})`, async () => {
        const server = fakeMysqld(version, ...goodLog(backups[kind]));
        const { failure } = await tryPrepare(spoiled(kind, fault), server.path);
        assert.match(failure?.message ?? '', fault.message);
        assert.equal(failure?.code, fault.code);
        if (redoFaults.includes(fault)) assert.match(failure.hint ?? '', /extract .* again/u);
        assert.equal(server.wasStarted(), false);
      });
    }

    it(`accepts what is whole (${kind})`, async () => {
      const directory = linkedCopyOf(backups[kind]);
      setPageLsn(join(directory, quiet), 3, Number(checkpointsOf(directory).lastLsn));
      const server = fakeMysqld(version, ...goodLog(directory));
      const { failure, said } = await tryPrepare(directory, server.path);
      assert.equal(failure, undefined);
      assert.match(said, /\d{4} pages checked/u);
      assert.equal(server.wasStarted(), true);
    });
  }

  describe('the server that recovers', () => {
    it('must be MySQL of the same series, and no older release of it', async () => {
      for (const [found, message] of [
        ['9.7.3', /is version 9\.7\.3; the backup is of MySQL 9\.7\.4/u],
        ['9.6.9', /is version 9\.6\.9;/u],
        ['9.8.0', /is version 9\.8\.0;/u],
        ['8.4.10', /is version 8\.4\.10;/u],
        ['19.7.4', /is version 19\.7\.4;/u],
        ['9.7.4-MariaDB', /is version 9\.7\.4-MariaDB;/u],
      ] as const) {
        const server = fakeMysqld(found, ...goodLog(backups.extracted));
        const { failure } = await tryPrepare(linkedCopyOf(backups.extracted), server.path);
        assert.match(failure?.message ?? '', message);
        assert.match(
          failure?.hint ?? '',
          /name a MySQL server 9\.7\.4 or a later 9\.7 with --server-binary/u,
        );
        assert.equal(failure?.code, 'recovery');
        assert.equal(server.wasStarted(), false);
      }
      const mariadbd = findProgram('mariadbd');
      const { failure } = await tryPrepare(linkedCopyOf(backups.extracted), mariadbd);
      assert.equal(failure?.code, 'recovery');
      assert.match(failure.message, /-MariaDB.*; the backup is of MySQL 9\.7/u);
      const later = fakeMysqld('9.7.23', ...goodLog(backups.extracted));
      const outcome = await tryPrepare(linkedCopyOf(backups.extracted), later.path);
      assert.equal(outcome.failure, undefined);
    });

    const whole = (): string[] => goodLog(backups.extracted);
    const bad: [string, () => string[], RegExp][] = [
      [
        'recovers too little',
        () => [...whole().slice(0, 2), ...whole().slice(3)],
        /the server recovered to LSN 4711 instead of \d+/u,
      ],
      [
        'recovers from another checkpoint',
        () => whole().map((line) => line.replace(/lsn = \d+/u, 'lsn = 8204')),
        /the server began at LSN 8204 instead of \d+/u,
      ],
      ['recovers nothing', () => whole().slice(-1), /the server began at LSN \? instead of \d+/u],
      [
        'makes an undo tablespace anew',
        () => ['[MY-013040] [InnoDB] Will create 1 new undo tablespaces.', ...whole()],
        /did not recover: .*Will create 1 new undo tablespaces/u,
      ],
      ['is never ready', () => whole().slice(0, -1), /never became ready|ended with/u],
    ];
    for (const [what, lines, message] of bad) {
      it(`is not believed when it ${what}`, async () => {
        const directory = linkedCopyOf(backups.extracted);
        const script = serverThatSays(...lines());
        const ends = what.startsWith('is never') ? script.replace(/^while.*$/mu, '') : script;
        const said = `echo 'mysqld  Ver ${version} for Linux on x86_64'`;
        const { failure } = await tryPrepare(directory, fakeServer(ends, said).path);
        assert.match(failure?.message ?? '', message);
        assert.equal(failure?.code, 'recovery');
        assert.match(failure.hint ?? '', /extract the backup again/u);
        assert.equal(checkpointsOf(directory).backupType, 'full-backuped');
      });
    }
  });

  describe('at the end of a restore', () => {
    const tryRestore = async (
      spoil: (directory: string) => void,
      server: FakeServer,
    ): Promise<{ failure: BackupError | undefined; datadir: string }> => {
      const directory = linkedCopyOf(backups.extracted);
      spoil(directory);
      const datadir = join(scratchDir('restored'), 'data');
      const { source, totalBytes } = await openSource(await pack(directory), storeAccess());
      const options = { serverBinary: server.path, serverArguments: [], datadir, totalBytes };
      const reporter = { info: () => undefined, warn: () => undefined, progress: () => undefined };
      try {
        await restore(source, options, reporter, new AbortController().signal);
        return { failure: undefined, datadir };
      } catch (error) {
        assert.ok(error instanceof BackupError);
        return { failure: error, datadir };
      }
    };

    // Every byte of the archive is as it was written: it was written wrong.
    for (const fault of [...redoFaults, ...fileFaults].filter(({ what }) =>
      ['no redo log', 'a redo log that lost its last block', 'a torn page'].includes(what),
    )) {
      it(`refuses ${fault.what} before a server is started, and leaves no data directory`, async () => {
        const server = fakeMysqld(version, ...goodLog(backups.extracted));
        const { failure, datadir } = await tryRestore((dir) => {
          fault.spoil(dir, backups.direct);
        }, server);
        assert.match(failure?.message ?? '', fault.message);
        assert.equal(failure?.code, 'corrupt');
        assert.equal(server.wasStarted(), false);
        assert.deepEqual(readdirSync(datadir), ['xbpipe-partial']);
      });
    }

    it('refuses what the server did not recover, and leaves no data directory', async () => {
      const lines = goodLog(backups.extracted).toSpliced(2, 1);
      const { failure, datadir } = await tryRestore(() => undefined, fakeMysqld(version, ...lines));
      assert.match(failure?.message ?? '', /recovered to LSN 4711 instead of \d+/u);
      assert.equal(failure?.code, 'recovery');
      assert.deepEqual(readdirSync(datadir), ['xbpipe-partial']);
    });

    it('is refused at the start of the archive when the server does not fit', async () => {
      const { failure, datadir } = await tryRestore(() => undefined, fakeMysqld('9.6.0'));
      assert.equal(failure?.code, 'recovery');
      assert.match(failure.message, /is version 9\.6\.0; the backup is of MySQL/u);
      assert.deepEqual(readdirSync(datadir), []);
    });

    it('accepts what is whole', async () => {
      const server = fakeMysqld(version, ...goodLog(backups.extracted));
      const { failure, datadir } = await tryRestore(() => undefined, server);
      assert.equal(failure, undefined);
      assert.equal(checkpointsOf(datadir).backupType, 'log-applied');
    });
  });

  describe('of which nothing tells how long its files are, as one by XtraBackup', () => {
    const prepareBare = async (spoil: Fault['spoil']): Promise<Outcome & { directory: string }> => {
      const directory = fullCopyOf(backups.extracted);
      for (const name of readdirSync(directory)) {
        if (name.startsWith('xbpipe_')) rmSync(join(directory, name));
      }
      spoil(directory, backups.direct);
      return { directory, ...(await tryPrepare(directory, mysqld())) };
    };

    it('works when it is whole', async () => {
      const { failure, said, directory } = await prepareBare(() => undefined);
      assert.equal(failure, undefined, said);
      assert.equal(checkpointsOf(directory).backupType, 'log-applied');
    });

    it('refuses the redo log of a later backup before a server is started', async () => {
      const { failure, said } = await prepareBare((dir, other) => {
        replace(redoOf(dir), readFileSync(redoOf(other)));
        // Here the server may not have made a checkpoint between the two.
        setCheckpoints(dir, { toLsn: BigInt(checkpointLsnOf(dir)) - 1n });
      });
      assert.equal(failure?.code, 'corrupt');
      assert.match(failure.message, /begins at LSN \d+, behind the backup's to_lsn \d+/u);
      assert.doesNotMatch(said, /recovering with/u);
    });

    for (const name of ['undo_001', 'mysql.ibd', 'ibdata1']) {
      it(`refuses a missing ${name} before a server is started`, async () => {
        const { failure, said } = await prepareBare(remove(name));
        assert.equal(failure?.code, 'corrupt');
        assert.match(failure.message, /of the backup is missing/u);
        assert.doesNotMatch(said, /recovering with/u);
      });
    }

    for (const [what, by, message] of [
      [
        'pages',
        -3 * pageSize,
        /quiet\.ibd: page \d+ .*the file ends here, and page 0 tells of \d+ pages/u,
      ],
      ['bytes', -100, /quiet\.ibd: page \d+ .*the file ends \d+ bytes into it/u],
    ] as const) {
      it(`refuses a table that is some ${what} short before a server is started`, async () => {
        const { failure, said } = await prepareBare((dir) => {
          resize(join(dir, quiet), by);
        });
        assert.equal(failure?.code, 'corrupt');
        assert.match(failure.message, message);
        assert.doesNotMatch(said, /recovering with/u);
      });
    }

    // The redo names the file, or only the data dictionary does.
    const noTablespace = /\[MY-(012179|012351)\]/u;
    for (const [what, spoil, message] of [
      ['a missing table that redo changes', remove(busy), noTablespace],
      [
        'a missing table that no redo changes',
        remove(quiet),
        /\[MY-012351\].*quiet\.ibd' is missing/u,
      ],
      ['a missing general tablespace', remove('general_inside.ibd'), noTablespace],
      [
        'a missing undo tablespace of the user’s',
        remove('extra.ibu'),
        /\[MY-012351\].*extra\.ibu' is missing/u,
      ],
      [
        'a table that ends before a page that redo changes',
        (dir: string) => {
          const path = join(dir, busy);
          // As if the redo had changed page 0: else what it says would tell of the rest.
          setPageLsn(path, 0, checkpointLsnOf(dir));
          resize(path, 32 * pageSize - statSync(path).size);
        },
        /the server did not recover/u,
      ],
    ] as const) {
      it(`refuses ${what} by what the server says of it`, async () => {
        const { failure, said, directory } = await prepareBare(spoil);
        assert.match(said, /recovering with/u);
        assert.equal(failure?.code, 'recovery');
        assert.match(failure.message, message);
        assert.equal(checkpointsOf(directory).backupType, 'full-backuped');
      });
    }
  });
});
