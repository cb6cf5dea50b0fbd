import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Place, chain } from '../catalogue/support.ts';
import { startTool, toolEnd, type ToolResult } from '../support/tool.ts';

/** Runs `xbpipe ARGS`; its answer is what it says on standard output. */
async function ask(...args: string[]): Promise<ToolResult & { answer: string }> {
  const child = startTool([...args, '--no-defaults'], { stdout: 'pipe' });
  assert.ok(child.stdout);
  const [answer, ended] = await Promise.all([text(child.stdout), toolEnd(child)]);
  return { ...ended, answer };
}

/** The same, with `--json`, done with status 0: the answer as an object. */
async function askJson<T>(...args: string[]): Promise<T> {
  const { status, answer, stderr } = await ask(...args, '--json');
  assert.equal(status, 0, stderr);
  assert.ok(answer.endsWith('}\n') && !answer.trimEnd().includes('\n'), 'one object on one line');
  return JSON.parse(answer) as T;
}

const old = '2026-11-01T00:00:00Z';
const keysOf = async (place: Place): Promise<string> => (await place.keys()).join(' ');

/** A chain, a broken backup, one with a damaged manifest, and one that never came to be. */
function crowd(): Place {
  return chain()
    .backup('bad', '2026-11-06T01:00:00Z', { objects: [{ name: 'archive.xbs', size: 2048 }] })
    .file('bad/archive.xbs', 'short')
    .file('cut/manifest.json', '{')
    .file('dead/archive.xbs', 'left', old);
}

interface Listed {
  name: string;
  state: string;
  problem: string | null;
  chain: string;
  parent: string | null;
  children: string[];
}

describe('xbpipe list', () => {
  it('draws chains as trees, with what there is to know of each, and the broken ones', async () => {
    const place = crowd();
    const { status, answer, stderr } = await ask('list', place.root);
    assert.equal(status, 0, stderr);
    const lines = answer.trimEnd().split('\n');
    const names = lines.map((line) => line.slice(0, lines[0]?.indexOf('TYPE')).trimEnd());
    assert.deepEqual(names, ['NAME', 'mon', '├─ tue', '│  └─ wed', '└─ alt', 'bad', 'cut']);
    assert.match(
      lines[2] ?? '',
      /tue +incremental +mariadb 10\.11\.19-MariaDB-log +2026-11-03T01:00:00\.000Z +10 B +4\.88 KiB +46000-46200 +d1-bin\.000005:615 +ok$/u,
    );
    assert.match(lines[5] ?? '', /broken: archive\.xbs has 5 bytes instead of 2048$/u);
    assert.match(lines[6] ?? '', /unreadable: manifest\.json .*not JSON$/u);
    assert.match(stderr, /6 backups, 2 not ok\n.*1 more have no manifest: xbpipe list --orphans/u);
  });

  it('gives programs one object on standard output, and its messages on standard error', async () => {
    const place = crowd();
    const { url, backups } = await askJson<{ url: string; backups: Listed[] }>('list', place.root);
    assert.equal(url, place.root);
    assert.deepEqual(
      backups.map(({ name, state, chain, parent, children }) => [
        name,
        state,
        chain,
        parent,
        children,
      ]),
      [
        ['mon', 'ok', 'mon', null, ['tue', 'alt']],
        ['tue', 'ok', 'mon', 'mon', ['wed']],
        ['wed', 'ok', 'mon', 'tue', []],
        ['alt', 'ok', 'mon', 'mon', []],
        ['bad', 'broken', 'bad', null, []],
        ['cut', 'unreadable', undefined, undefined, undefined],
      ],
    );
    const { stderr } = await ask('list', place.root, '--json');
    for (const line of stderr.trimEnd().split('\n')) assert.ok('type' in JSON.parse(line));
  });

  it('has nothing to show of an empty place, and that is no failure', async () => {
    const { status, answer, stderr } = await ask('list', new Place().root);
    assert.deepEqual([status, answer], [0, '']);
    assert.match(stderr, /0 backups, 0 not ok/u);
  });

  it('warns of a place that has nothing at all in it, as expire does', async () => {
    const { root } = new Place();
    for (const args of [['list'], ['list', '--orphans'], ['expire', '--keep-full=1']]) {
      const { status, stderr } = await ask(...args, root);
      assert.equal(status, 0, stderr);
      assert.ok(stderr.includes(`WARNING: nothing lies below ${root}`), stderr);
      assert.doesNotMatch((await ask(...args, crowd().root)).stderr, /nothing lies/u);
    }
    const running = new Place().file('half/xbpipe-partial/archive.xbs', 'half');
    assert.doesNotMatch((await ask('list', '--orphans', running.root)).stderr, /nothing lies/u);
  });

  it('as its neighbours fails for what is missing or no directory', async () => {
    const place = new Place().file('file', '');
    for (const [name, message] of [
      ['none', /none: no such file or directory/u],
      ['file', /file is not a directory/u],
    ] as const) {
      const path = join(place.root, name);
      for (const args of [
        ['list', path],
        ['list', '--orphans', path],
        ['info', join(path, 'backup')],
        ['expire', '--keep-full=1', path],
        ['delete', join(path, 'backup')],
        ['delete', '--orphans', path],
      ]) {
        const { status, answer, stderr } = await ask(...args);
        assert.deepEqual([status, answer], [20, ''], `${args.join(' ')}: ${stderr}`);
        assert.match(stderr, message);
      }
    }
  });

  it('shows orphans with their sizes and last activity', async () => {
    const place = crowd().file('half/xbpipe-partial/archive.xbs', 'half', old);
    const { answer } = await ask('list', '--orphans', place.root);
    assert.match(answer, /^dead +object +dead\/archive\.xbs +4 B +2026-11-01T00:00:00\.000Z$/mu);
    assert.match(answer, /^half +upload +half +4 B +\S+Z$/mu);
    const { orphans, knowsUploads } = await askJson<{
      orphans: { name: string; size: number; objects: object[]; uploads: object[] }[];
      knowsUploads: boolean;
    }>('list', '--orphans', place.root);
    assert.equal(knowsUploads, true);
    assert.deepEqual(
      orphans.map(({ name, size, objects, uploads }) => [
        name,
        size,
        objects.length,
        uploads.length,
      ]),
      [
        ['dead', 4, 1, 0],
        ['half', 4, 0, 1],
      ],
    );
  });

  it('shows no control character of a name or a manifest as it is', async () => {
    const evil = 'a\u001b[2Jb\nc\u202ed';
    const place = new Place()
      .backup(evil, '2026-11-02T01:00:00Z', { serverVersion: evil, tool: evil, parentId: evil })
      .file(`${evil}2/archive.xbs`, 'x', old)
      .file(`${evil}3/manifest.json`, '{');
    const visible = String.raw`a\u001b[2Jb\u000ac\u202ed`;
    for (const args of [
      ['list', place.root],
      ['list', '--orphans', place.root],
      ['info', join(place.root, evil)],
      ['delete', join(place.root, evil)],
      ['delete', '--orphans', '--min-age=1', place.root],
      ['expire', '--keep-full=1', place.root],
      ['info', join(place.root, `${evil}3`)],
    ]) {
      const { answer, stderr } = await ask(...args);
      assert.ok(`${answer}${stderr}`.includes(visible), args[0]);
      for (const raw of ['\u001b', '\u202e', 'b\nc']) {
        assert.ok(!`${answer}${stderr}`.includes(raw), args[0]);
      }
    }
    const { backups } = await askJson<{ backups: Listed[] }>('list', place.root);
    assert.equal(backups[0]?.name, evil);
  });
});

describe('xbpipe info', () => {
  it('shows all of one backup', async () => {
    const place = crowd();
    const { status, answer } = await ask('info', join(place.root, 'tue'));
    assert.equal(status, 0);
    for (const line of [
      /^state +ok$/mu,
      /^id +tue$/mu,
      /^type +incremental on mon$/mu,
      /^increment on it +wed$/mu,
      /^redo +from checkpoint LSN 46000 to LSN 46200$/mu,
      /^GTID +0-1-6245$/mu,
      /^object +archive\.xbs, 10 bytes$/mu,
    ]) {
      assert.match(answer, line);
    }
    const fields = await askJson<Record<string, unknown>>('info', join(place.root, 'bad'));
    assert.deepEqual(
      [fields['state'], fields['problem'], fields['parentId'], fields['toLsn'], fields['index']],
      ['broken', 'archive.xbs has 5 bytes instead of 2048', null, 46_100, null],
    );
  });

  it('fails for what is no backup', async () => {
    for (const [name, status] of [
      ['dead', 30],
      ['none', 30],
      ['cut', 31],
    ] as const) {
      assert.equal((await ask('info', join(crowd().root, name))).status, status);
    }
  });
});

describe('xbpipe delete', () => {
  it('only shows what would go, until it is told to', async () => {
    const place = crowd();
    const before = await keysOf(place);
    const { status, answer, stderr } = await ask('delete', join(place.root, 'wed'));
    assert.equal(status, 0, stderr);
    assert.match(answer, /^OBJECT +BYTES\nwed\/manifest\.json +\d+\nwed\/archive\.xbs +10\n$/u);
    assert.match(stderr, /nothing is deleted; with --yes: 1 backups, 2 objects/u);
    assert.equal(await keysOf(place), before);
    const done = await ask('delete', '--yes', join(place.root, 'wed'));
    assert.deepEqual([done.status, done.answer], [0, answer]);
    assert.match(done.stderr, /deleted: 1 backups, 2 objects/u);
    assert.ok(!existsSync(join(place.root, 'wed')));
    assert.equal((await place.read()).backups.length, 4);
  });

  it('ends with status 40 when others need it, and takes them along when told to', async () => {
    const place = crowd();
    const mon = join(place.root, 'mon');
    const refused = await ask('delete', '--yes', mon);
    assert.deepEqual([refused.status, refused.answer], [40, '']);
    assert.match(refused.stderr, /tue and 2 more cannot be restored without mon/u);
    const { dryRun, backups } = await askJson<{ dryRun: boolean; backups: string[] }>(
      'delete',
      '--yes',
      '--chain',
      mon,
    );
    assert.deepEqual([dryRun, backups], [false, ['alt', 'wed', 'tue', 'mon']]);
    assert.equal(
      await keysOf(place),
      'bad/archive.xbs bad/manifest.json cut/manifest.json dead/archive.xbs',
    );
  });

  it('takes orphans that were idle long enough, and names the others', async () => {
    const place = crowd().file('running/archive.xbs', 'so far');
    const before = await keysOf(place);
    const shown = await ask('delete', '--orphans', place.root);
    assert.match(shown.answer, /dead\/archive\.xbs/u);
    assert.doesNotMatch(shown.answer, /running/u);
    assert.match(shown.stderr, /running is left: it may be running, something came in at /u);
    assert.equal(await keysOf(place), before);
    const done = await ask('delete', '--orphans', '--yes', place.root);
    assert.equal(done.status, 0, done.stderr);
    assert.equal(await keysOf(place), before.replace('dead/archive.xbs ', ''));
  });

  it('is told to on the command line alone', async () => {
    const place = crowd();
    const file = join(place.root, 'my.cnf');
    writeFileSync(file, '[xbpipe]\nyes\n');
    const child = startTool(['delete', `--defaults-file=${file}`, join(place.root, 'wed')]);
    const { status, stderr } = await toolEnd(child);
    assert.equal(status, 2);
    assert.match(stderr, /--yes is for the command line/u);
    assert.equal((await place.read()).backups.length, 5);
  });

  it('refuses options that do not go together', async () => {
    for (const args of [
      ['delete', '--min-age=1', '/x/y'],
      ['delete', '--chain', '--orphans', '/x/y'],
      ['delete', 's3://bucket'],
      ['delete'],
      ['expire', '/x'],
      ['expire', '--keep-full=0', '/x'],
      ['list'],
      ['list', 'gs://x'],
    ]) {
      const { status, answer, stderr } = await ask(...args);
      assert.deepEqual([status, answer], [2, ''], `${args.join(' ')}: ${stderr}`);
    }
  });
});

describe('xbpipe expire', () => {
  it('shows the verdict on each chain, and deletes only when told to', async () => {
    const place = crowd().backup('next', '2026-11-09T01:00:00Z');
    const before = await keysOf(place);
    const { status, answer, stderr } = await ask('expire', '--keep-full=1', place.root);
    assert.equal(status, 0, stderr);
    assert.match(answer, /^mon +4 +2026-11-02\S+Z +2026-11-05\S+Z +expire +no rule keeps it$/mu);
    assert.match(answer, /^next +1 .* keep +the newest$/mu);
    assert.match(answer, /^bad +1 .* broken +bad: archive\.xbs has 5 bytes/mu);
    assert.match(stderr, /WARNING: bad does not count and is left: bad: archive\.xbs has 5 bytes/u);
    assert.match(stderr, /WARNING: cut does not count and is left/u);
    assert.match(stderr, /nothing is deleted; with --yes: 4 backups, 8 objects/u);
    assert.equal(await keysOf(place), before);
    const done = await askJson<{ dryRun: boolean; backups: string[] }>(
      'expire',
      '--keep-full=1',
      '--yes',
      place.root,
    );
    assert.deepEqual([done.dryRun, done.backups], [false, ['alt', 'wed', 'tue', 'mon']]);
    assert.deepEqual(
      (await place.read()).backups.map(({ name }) => name),
      ['bad', 'next'],
    );
  });

  it('goes by today for the days', async () => {
    const hour = 60 * 60 * 1000;
    const ago = (days: number): string =>
      new Date(Date.now() - days * 24 * hour - 2 * hour).toISOString();
    const place = new Place().backup('a', ago(5)).backup('b', ago(3)).backup('c', ago(1));
    const { chains } = await askJson<{ chains: { backups: string[]; verdict: string }[] }>(
      'expire',
      '--keep-days=2',
      place.root,
    );
    assert.deepEqual(
      chains.map(({ backups, verdict }) => [...backups, verdict]),
      [
        ['a', 'expire'],
        ['b', 'keep'],
        ['c', 'keep'],
      ],
    );
  });
});
