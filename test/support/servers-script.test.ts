import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { scratchDir } from './scratch.ts';

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const signedByDebian = existsSync(debianKeyring) ? debianKeyring : undefined;

/** What becomes of the files of an /etc/apt, as seen from a system of the suite "own". */
const rewrite = (files: Record<string, string>): string[] => {
  const scratch = scratchDir('sources');
  const etc = join(scratch, 'etc');
  mkdirSync(join(etc, 'sources.list.d'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
  const script = `
    . scripts/unpack.sh
    scratch=$1 suite=wanted system_suite=own
    write_sources "$2"`;
  execFileSync('bash', ['-euo', 'pipefail', '-c', script, 'bash', scratch, etc]);
  const made = join(scratch, 'sources');
  return readdirSync(made).map((name) => readFileSync(join(made, name), 'utf8'));
};

const stanza = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('the package sources of another suite', () => {
  it('keep mirror and keyring of the stanza that serves the own suite', () => {
    const text = stanza(
      '# Made by the installer.',
      'Types: deb deb-src',
      '# A remark between the fields.',
      'URIs: http://mirror.test/debian',
      'Suites: own own-updates',
      'Components: main contrib',
      'Signed-By: /keys/one.gpg',
      '',
      'Types: deb',
      'URIs: http://mirror.test/debian-security',
      'Suites: own-security',
      'Components: main',
      'Signed-By: /keys/two.gpg',
    );
    assert.deepEqual(rewrite({ 'sources.list.d/debian.sources': text }), [
      stanza(
        'Types: deb',
        'Suites: wanted',
        'Components: main',
        'URIs: http://mirror.test/debian',
        'Signed-By: /keys/one.gpg',
      ),
    ]);
  });

  it('keep a key that stands in the stanza itself', () => {
    const key = ['Signed-By:', ' -----BEGIN PGP PUBLIC KEY BLOCK-----', ' .', ' abc='];
    const text = stanza('types: deb', 'suites: own', 'components: main', 'uris: http://m', ...key);
    const [made] = rewrite({ 'sources.list.d/x.sources': text });
    assert.ok(made?.endsWith(stanza('uris: http://m', ...key)));
  });

  it('come from lines with and without options', () => {
    const text = stanza(
      '# deb http://commented.test/debian own main',
      'deb [arch=amd64 signed-by=/keys/one.gpg] http://one.test/debian own main contrib',
      'deb http://two.test/debian own main # remark',
      'deb-src http://three.test/debian own main',
      'deb http://four.test/debian own-security main',
    );
    const keyring = signedByDebian === undefined ? '' : `[signed-by=${signedByDebian}] `;
    assert.deepEqual(rewrite({ 'sources.list': text }), [
      stanza('deb [arch=amd64 signed-by=/keys/one.gpg] http://one.test/debian wanted main'),
      stanza(`deb ${keyring}http://two.test/debian wanted main`),
    ]);
  });

  it('are none of other archives, without the component main, or switched off', () => {
    const off = stanza(
      'Types: deb',
      'URIs: http://m',
      'Suites: own',
      'Components: main',
      'Enabled: no',
    );
    const list = stanza('deb http://m own stable', 'deb http://m own-pgdg main', 'deb http://m ./');
    assert.deepEqual(
      rewrite({ 'sources.list.d/a.sources': off, 'sources.list.d/b.list': list }),
      [],
    );
  });
});

describe('scripts/servers.sh', () => {
  const run = (leftOut: string, ...args: string[]): { status: number | null; says: string } => {
    const env = { ...process.env, XBPIPE_LEAVE_OUT: leftOut };
    const { status, stdout, stderr } = spawnSync('bash', ['scripts/servers.sh', ...args], { env });
    return { status, says: `${stdout.toString()}${stderr.toString()}` };
  };

  it('does without the servers that XBPIPE_LEAVE_OUT names', () => {
    const { status, says } = run('mysql-9.7 mariadb-11.8', 'mysql-9.7', 'mariadb-11.8');
    assert.equal(status, 0, says);
    assert.match(says, /mysql-9\.7 is left out, as XBPIPE_LEAVE_OUT says/u);
  });

  it('refuses a name that is none, and to leave out what all tests need', () => {
    assert.match(run('mysql-5.7').says, /XBPIPE_LEAVE_OUT names mysql-5\.7, but can only name/u);
    assert.equal(run('mariadb-10.11').status, 1);
    const { status, says } = run('', 'mysql-5.7');
    assert.equal(status, 1);
    assert.match(says, /no server is named mysql-5\.7/u);
  });
});
