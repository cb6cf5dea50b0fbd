// Backups into directories of their own, of servers that have settled, and what a refused increment
// must leave behind: nothing.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { flavourOf, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { assertDone, runTool, type ToolResult } from '../support/tool.ts';
import { assertFailed, backupArgs } from './faults-support.ts';
import { serverOf } from './ways-back.ts';

/** What changed is in the files then, and nothing but new statements changes a page again. */
export async function settle(server: TestServer): Promise<void> {
  if (flavourOf(server.product) === 'mysql') {
    await server.query('SELECT innodb_redo_log_sharp_checkpoint()');
    return;
  }
  // Purge changes every page with changed rows once more: it waits until that is done.
  await server.query('SET GLOBAL innodb_max_purge_lag_wait = 0');
  await server.query('SET GLOBAL innodb_log_checkpoint_now = ON');
}

/** A full backup, or an increment where `args` say so, as `--to` makes it; returns its path. */
export async function backUp(server: TestServer, ...args: string[]): Promise<string> {
  const path = join(scratchDir('backup'), 'new');
  assertDone(await runTool(backupArgs(server, '--to', path, ...args)));
  return path;
}

/** `xbpipe restore` of a chain: by its newest link, or by all of them. Returns the data directory. */
export async function restored(product: Product, ...links: string[]): Promise<string> {
  const datadir = join(scratchDir('restored'), 'data');
  const from = links.map((link) => `--from=${link}`);
  const args = ['restore', '--no-defaults', '--server-binary', serverOf(product), ...from];
  assertDone(await runTool([...args, `--datadir=${datadir}`]));
  return datadir;
}

/** An increment that the server is no place for: refused with this reason, nothing is written. */
export async function assertNoIncrement(
  server: TestServer,
  parent: string,
  why: RegExp,
): Promise<void> {
  const path = join(scratchDir('refused'), 'new');
  const args = ['--to', path, '--incremental-base', parent];
  const told = assertFailed(await runTool(backupArgs(server, ...args)), 40, 'chain');
  assert.match(told.message ?? '', why);
  assert.match(told.hint ?? '', /full backup/u);
  assert.equal(existsSync(path), false);
  const preview = await runTool(backupArgs(server, '--preview', ...args));
  assertFailed(preview, 40, 'chain');
}

/** How many pages were read and how many taken. */
export function pagesOf({ stderr }: ToolResult): { read: number; taken: number } {
  const [, read, taken] = /(\d+) pages read, (\d+) of them taken/u.exec(stderr) ?? [];
  return { read: Number(read), taken: Number(taken) };
}
