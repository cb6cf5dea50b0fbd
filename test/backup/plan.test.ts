import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

import { listAriaLogs, listOtherFiles } from '../../src/backup/mariadb/other-files.ts';
import { scanTables } from '../../src/backup/mariadb/scan-tables.ts';
import { listTablespaceFiles, tableFiles } from '../../src/backup/mariadb/tablespace-files.ts';
import type { BackupError } from '../../src/errors.ts';
import type { MariadbInfo } from '../../src/server/mariadb/mariadb-info.ts';
import { scratchDir } from '../support/scratch.ts';
import { pageSize, spaceId, tablePages } from './table-file.ts';

/** A server's word on itself, for a data directory with the files that every server has. */
function serverInfo(more: Partial<MariadbInfo> = {}): MariadbInfo {
  const datadir = more.datadir ?? scratchDir('data');
  const info: MariadbInfo = {
    flavour: 'mariadb',
    version: '10.11.19-MariaDB',
    series: [10, 11, 19],
    identity: undefined,
    datadir,
    pageSize,
    dataHome: datadir,
    dataFilePath: 'ibdata1:12M:autoextend',
    logGroupHome: datadir,
    undoDirectory: datadir,
    redoEncrypted: false,
    undoTablespaces: 0,
    ariaLogDir: datadir,
    ignoredDirectories: new Set(),
    logFileSize: 10_485_760,
    flushSeconds: 0,
    compressionLevel: 6,
    binlogOn: true,
    ...more,
  };
  fill(datadir, 'ibdata1', 'ib_logfile0', 'aria_log_control', 'aria_log.00000001', 'bin.000001');
  return info;
}

/** Files, and folders where the path ends in a slash. */
function fill(directory: string, ...paths: string[]): void {
  for (const path of paths) {
    const whole = join(directory, path);
    mkdirSync(path.endsWith('/') ? whole : dirname(whole), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(whole, 'x');
  }
}

const members = (files: readonly { member: string }[]): string =>
  files
    .map(({ member }) => member)
    .sort()
    .join(' ');

const fails = (code: string, message: RegExp): ((error: BackupError) => true) => {
  return (error) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
};

describe('the InnoDB files of a backup', () => {
  it('are the system tablespace, the undo tablespaces and the tables, the largest first', () => {
    const info = serverInfo();
    fill(info.datadir, 'undo001', 'undo002', 'undo_a', 'undo0001', 'd/t.ibd', 'd/t.frm', 'e/u.ibd');
    writeFileSync(join(info.datadir, 'd/t.ibd'), 'xxxx');
    const files = listTablespaceFiles(info);
    assert.equal(members(files), 'd/t.ibd e/u.ibd ibdata1 undo001 undo002');
    assert.deepEqual(files[0], {
      kind: 'tablespace',
      source: join(info.datadir, 'd/t.ibd'),
      member: 'd/t.ibd',
      role: 'table',
      size: 4,
      mayShrink: false,
    });
    const shrinking = files.filter((file) => file.mayShrink === true);
    assert.equal(members(shrinking), 'ibdata1 undo001 undo002');
  });

  it('of the system may lie elsewhere, and come together in the backup', () => {
    const [home, undo, third] = [scratchDir('home'), scratchDir('undo'), scratchDir('third')];
    fill(home, 'ibdata1');
    fill(undo, 'undo001', 'undo003');
    fill(third, 'ibdata2');
    const dataFilePath = `ibdata1:12M;${third}/ibdata2:1G:autoextend`;
    const info = serverInfo({ dataHome: home, undoDirectory: undo, dataFilePath });
    // What lies in the data directory under such a name is not the server's.
    fill(info.datadir, 'undo002');
    const files = listTablespaceFiles(info);
    assert.equal(members(files), 'ibdata1 ibdata2 undo001 undo003');
    assert.deepEqual(
      new Set(files.map(({ source }) => dirname(source))),
      new Set([home, undo, third]),
    );
  });

  it('cannot be had when a part of the system tablespace is missing or a raw device', () => {
    const missing = serverInfo({ dataFilePath: 'ibdata1:12M;ibdata2:12M:autoextend' });
    assert.throws(
      () => listTablespaceFiles(missing),
      fails('access', /ibdata2 of innodb_data_file_path is not there/),
    );
    const raw = serverInfo({ dataFilePath: '/dev/sdz1:3Gnewraw' });
    assert.throws(() => listTablespaceFiles(raw), fails('failed', /raw device \(\/dev\/sdz1\)/));
  });

  it('of a table with a DATA DIRECTORY lie where its .isl file says', () => {
    const info = serverInfo();
    const elsewhere = scratchDir('elsewhere');
    fill(elsewhere, 'd/far.ibd');
    fill(info.datadir, 'd/near.ibd', 'd/far.isl', 'd/lost.isl', 'd/empty.isl');
    writeFileSync(join(info.datadir, 'd/far.isl'), `${elsewhere}/d/far.ibd\n`);
    writeFileSync(join(info.datadir, 'd/lost.isl'), `${elsewhere}/d/lost.ibd`);
    writeFileSync(join(info.datadir, 'd/empty.isl'), '');
    const files = tableFiles(info);
    assert.equal(members(files), 'd/far.ibd d/near.ibd');
    const far = files.find(({ member }) => member === 'd/far.ibd');
    assert.equal(far?.source, join(elsewhere, 'd/far.ibd'));
  });

  it('are not looked for in directories that hold no database', () => {
    const info = serverInfo({ ignoredDirectories: new Set(['snapshots', 'old']) });
    for (const name of ['d', 'snapshots', 'old', 'lost+found', '#rocksdb', '.hidden', 'old2']) {
      fill(info.datadir, `${name}/t.ibd`);
    }
    assert.equal(members(tableFiles(info)), 'd/t.ibd old2/t.ibd');
  });

  it('are found behind the symbolic link of a database, and not behind a dead one', () => {
    const info = serverInfo();
    const disk = scratchDir('disk');
    fill(disk, 'real/t.ibd', 'file');
    symlinkSync(join(disk, 'real'), join(info.datadir, 'linked'));
    symlinkSync(join(disk, 'nowhere'), join(info.datadir, 'dead'));
    symlinkSync(join(disk, 'file'), join(info.datadir, 'plain'));
    assert.equal(members(tableFiles(info)), 'linked/t.ibd');
    assert.equal(listOtherFiles(info).emptyDatabases.join(), '');
  });
});

describe('a scan for tables', () => {
  it('tells each by space id and inode', async () => {
    const info = serverInfo();
    fill(info.datadir, 'd/known.ibd', 'd/young.ibd');
    writeFileSync(join(info.datadir, 'd/known.ibd'), tablePages());
    writeFileSync(join(info.datadir, 'd/young.ibd'), Buffer.alloc(4 * pageSize));
    const found = await scanTables(info);
    const known = found.find(({ member }) => member === 'd/known.ibd');
    const young = found.find(({ member }) => member === 'd/young.ibd');
    assert.equal(known?.spaceId, spaceId);
    assert.ok(young && young.spaceId === undefined);
    assert.notEqual(known.inode, young.inode);
  });
});

describe('the other files of a backup', () => {
  it('are those that engines know, without what a running ALTER has made', () => {
    const info = serverInfo();
    const kept = [
      'db.opt t.frm t.par t.TRG t.TRN m.MYI m.MYD g.MRG a.MAI a.MAD r.ARM r.ARZ c.CSM c.CSV i.isl',
    ].flatMap((names) => names.split(' ').map((name) => `d/${name}`));
    fill(
      info.datadir,
      ...kept,
      'd/t.ibd',
      'd/#sql-alter-1.frm',
      'd/#sql-2.MYD',
      'd/core',
      'd/t.tmp',
    );
    const { settled, late, emptyDatabases } = listOtherFiles(info);
    assert.equal(members(settled), [...kept].sort().join(' '));
    assert.deepEqual([late, emptyDatabases], [[], []]);
  });

  it('have the index of an Aria table before its data', () => {
    const info = serverInfo();
    fill(info.datadir, 'd/b.MAD', 'd/b.MAI', 'd/a.MAD', 'd/a.MAI');
    const order = listOtherFiles(info).settled.map(({ member }) => member.slice(-1));
    assert.equal(order.join(''), 'IIDD');
  });

  it('that the server writes until commits stop come last', () => {
    const info = serverInfo();
    fill(info.datadir, 'mysql/general_log.CSV', 'mysql/table_stats.MAD', 'mysql/proc.MAD');
    fill(info.datadir, 'mysql/proc.MAI', 'mysql/table_stats.MAI', 'd/general_log.CSV');
    fill(info.datadir, 'mysql/general_log_old.CSV');
    const { settled, late } = listOtherFiles(info);
    assert.equal(
      members(late),
      'mysql/general_log.CSV mysql/table_stats.MAD mysql/table_stats.MAI',
    );
    assert.equal(
      members(settled),
      'd/general_log.CSV mysql/general_log_old.CSV mysql/proc.MAD mysql/proc.MAI',
    );
  });

  it('tell of databases that hold nothing', () => {
    const info = serverInfo({ ignoredDirectories: new Set(['junk']) });
    fill(info.datadir, 'empty/', 'tables/t.ibd', 'opt/db.opt', 'strange/notes.txt', 'junk/');
    assert.deepEqual(listOtherFiles(info).emptyDatabases.sort(), ['empty', 'strange']);
  });

  it("of Aria's log are its control file and its logs in order, wherever they lie", () => {
    const ariaLogDir = scratchDir('aria');
    fill(ariaLogDir, 'aria_log.00000012', 'aria_log.00000002', 'aria_log_control', 'aria_log.bak');
    const { control, logs } = listAriaLogs(serverInfo({ ariaLogDir }));
    assert.equal(control?.source, join(ariaLogDir, 'aria_log_control'));
    assert.deepEqual(
      logs.map(({ member }) => member),
      ['aria_log.00000002', 'aria_log.00000012'],
    );
    assert.deepEqual(listAriaLogs(serverInfo({ ariaLogDir: '/nowhere' })), {
      control: undefined,
      logs: [],
    });
  });
});
