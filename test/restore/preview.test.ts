import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { describe, it } from 'node:test';
import { assembleEncrypted, otherKey } from '../archive/encrypted-support.ts';
import { samples, stockArchive, stockMember } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { type ToolResult, runShell, runTool } from '../support/tool.ts';

/** `restore --preview` of an archive that is a file by itself. */
async function preview(bytes: Uint8Array, ...args: string[]): Promise<ToolResult> {
  const path = joinPath(scratchDir('archive'), 'archive.xbs');
  writeFileSync(path, bytes);
  const target = `--datadir=${joinPath(scratchDir('out'), 'data')}`;
  return await runTool(['restore', '--preview', `--from=${path}`, target, ...args]);
}

describe('a preview of an archive by itself', () => {
  it('asks for the key of an encrypted one, and refuses another', async () => {
    const encrypted = assembleEncrypted(samples);
    const { status, stderr } = await preview(encrypted);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /the backup is encrypted with AES256 and no key is given/);
    assert.match(stderr, /HINT: name the key file with --encrypt-key-file/);
    const file = joinPath(scratchDir('key'), 'key');
    writeFileSync(file, otherKey, { mode: 0o600 });
    assert.equal((await preview(encrypted, `--encrypt-key-file=${file}`)).status, 32);
  });

  it('tells how one of another tool gets an index', async () => {
    const { status, stderr } = await preview(stockArchive(...stockMember('ibdata1', 'pages')));
    assert.equal(status, 1, stderr);
    assert.match(stderr, /archive\.xbs has no index that can be read/);
    assert.match(stderr, /HINT: .* xbpipe import/);
  });

  it('is none of a pipe, by whatever name', async () => {
    for (const from of ['-', '/dev/stdin']) {
      const script = 'echo x | xbpipe restore --preview "--from=$1" --datadir=/missing/x';
      const { status, stderr } = await runShell(script, from);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /HINT: .*can only be read once/);
    }
  });
});
