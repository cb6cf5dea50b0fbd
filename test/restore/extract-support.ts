/** Archives to extract, by us and by mbstream, and what lies in the target afterwards. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import assert from 'node:assert/strict';
import { guard } from '../../src/archive/guard.ts';
import { BackupError } from '../../src/errors.ts';
import { extract } from '../../src/restore/extract.ts';
import type { ReadOptions } from '../../src/restore/read-archive.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { stageName } from '../../src/store/stage-name.ts';
import { MemorySink, sourceOf } from '../archive/support.ts';
import { treeOf } from '../sink/support.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';

export type Tree = Record<string, string>;

const checkpoints = readFileSync('formats/metadata/vectors/full/xtrabackup_checkpoints', 'latin1');

/** A tiny backup, small enough for damage at every byte. */
export const smallTree: Tree = {
  ibdata1: 'system tablespace',
  'db/t.ibd': 'rows, rows, rows',
  'db/empty.MYD': '',
  xtrabackup_checkpoints: checkpoints,
  xtrabackup_info: 'uuid = 49fa1a7b-e555-11f1-8728-02fc00000001\nname = \n',
};

/** `mbstream -c` of a tree, in its order. */
export function packByMbstream(tree: Record<string, string | Uint8Array>): Uint8Array {
  const folder = scratchDir('pack');
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, 'latin1');
  }
  const args = ['-c', ...Object.keys(tree)];
  const packed = execFileSync(findProgram('mbstream'), args, { cwd: folder, maxBuffer: 2 ** 28 });
  // Not the Buffer itself: its `slice` is a view.
  return new Uint8Array(packed);
}

export function unpackByMbstream(archive: Uint8Array, folder: string): number | null {
  const args = ['-x', '-C', folder];
  return spawnSync(findProgram('mbstream'), args, { input: archive }).status;
}

export interface Extracted {
  /** Undefined when the archive was taken for whole. */
  error: BackupError | undefined;
  target: string;
}

/** What `xbpipe extract` does: into a stage, and committed when the archive is whole. */
export async function extractInto(
  target: string,
  archive: Uint8Array,
  options: ReadOptions & { pieceBytes?: number } = {},
): Promise<Extracted> {
  const { pieceBytes = Math.max(1, archive.length), ...given } = options;
  try {
    const directory = await StagedDirectory.create(target, { empty: false });
    await extract(sourceOf(archive, pieceBytes), directory, given);
    await directory.commit();
    return { error: undefined, target };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { error, target };
  }
}

export async function extractNew(
  archive: Uint8Array,
  options: Parameters<typeof extractInto>[2] = {},
): Promise<Extracted> {
  return await extractInto(scratchDir('extract'), archive, options);
}

/** What `xbpipe guard` does: the stream it passed on, and the error it ended in. */
export async function guarded(
  archive: Uint8Array,
  options: { anyArchive?: boolean; pieceBytes?: number } = {},
): Promise<{ error: BackupError | undefined; passed: Uint8Array }> {
  const { anyArchive = false, pieceBytes = Math.max(1, archive.length) } = options;
  const { signal } = new AbortController();
  const sink = new MemorySink();
  try {
    await guard(sourceOf(archive, pieceBytes), sink, { anyArchive, signal });
    return { error: undefined, passed: sink.bytes };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { error, passed: sink.bytes };
  }
}

/** Extracts damaged archives one after the other; what a refused one leaves is looked at, then removed. */
export class DamageRun {
  readonly #folder = scratchDir('damage');
  #count = 0;

  /** Undefined when it was refused; else the tree that was made of it. */
  async treeFrom(archive: Uint8Array, what: string): Promise<Tree | undefined> {
    this.#count += 1;
    const { error, target } = await extractInto(join(this.#folder, `${this.#count}`), archive);
    const tree = error ? undefined : treeOf(target);
    if (error) {
      assert.deepEqual(readdirSync(target), [stageName], `${what} leaves something behind`);
      assert.ok(
        ['incomplete', 'corrupt', 'storage'].includes(error.code),
        `${what}: ${error.code}`,
      );
    }
    rmSync(target, { recursive: true });
    return tree;
  }

  async refuses(archive: Uint8Array, what: string): Promise<void> {
    const tree = await this.treeFrom(archive, what);
    assert.equal(tree, undefined, `${what} is taken for whole`);
  }
}
