// A backup whose reader stands still at a given byte until the test lets it go on: what happens
// on the server meanwhile happens at a known place of the copy, without a clock.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ChunkDecoder } from '../../formats/xbstream/index.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runShell, type ToolResult } from '../support/tool.ts';

export interface HeldBackup {
  readonly archive: string;
  /** Members in what the reader has taken so far, each with what was seen of it last. */
  members(): Map<string, 'begun' | 'complete'>;
  /** Lets the reader go on and returns how the backup ended. */
  finish(): Promise<ToolResult>;
}

// `head -c` takes not a byte more than it is told; the pipe behind it holds 64 KiB.
const script = `
archive=$1 hold=$2 bytes=$3
shift 3
xbpipe backup "$@" | {
  head -c "$bytes" >"$archive"
  # One that has failed before is not held.
  while [ -e "$hold" ] && [ "$(stat -c %s "$archive")" = "$bytes" ]; do sleep 0.05; done
  cat >>"$archive"
}`;

/** Waits for a state; false when the promise settles before it is there. */
export async function stateBefore(
  end: Promise<unknown>,
  isThere: () => boolean | Promise<boolean>,
  pauseMs = 20,
): Promise<boolean> {
  const ended = end.then(
    () => true,
    () => true,
  );
  while (!(await isThere())) {
    if (await Promise.race([ended, sleep(pauseMs, false)])) return false;
  }
  return true;
}

/** How to reach a server of the tests. */
export const accessArgs = (server: TestServer): string[] => [
  '--no-defaults',
  '--user=root',
  `--socket=${server.socket}`,
];

/** Starts a backup and returns when its reader stands still after `bytes`. */
export async function startHeldBackup(
  t: TestContext,
  server: TestServer,
  bytes: number,
  args: readonly string[] = [],
): Promise<HeldBackup> {
  const dir = scratchDir('held');
  const [archive, hold] = [join(dir, 'archive'), join(dir, 'hold')];
  writeFileSync(hold, '');
  // Whatever becomes of the test, the reader must not stand there for ever.
  t.after(() => rm(hold, { force: true }));
  const all = [archive, hold, String(bytes), ...accessArgs(server), ...args];
  const end = runShell(script, ...all);
  const taken = (): boolean => (statSync(archive, { throwIfNoEntry: false })?.size ?? 0) >= bytes;
  if (!(await stateBefore(end, taken))) {
    throw new Error(`the backup ended before byte ${bytes}: ${(await end).stderr}`);
  }
  return {
    archive,
    members: () => membersIn(readFileSync(archive)),
    async finish() {
      await rm(hold, { force: true });
      return await end;
    },
  };
}

function membersIn(bytes: Uint8Array): Map<string, 'begun' | 'complete'> {
  const decoder = new ChunkDecoder();
  decoder.push(bytes);
  const members = new Map<string, 'begun' | 'complete'>();
  for (let event = decoder.next(); event; event = decoder.next()) {
    if (event.kind === 'payload') members.set(event.path, 'begun');
    if (event.kind === 'end') members.set(event.path, 'complete');
  }
  return members;
}

/** Bytes of the server's InnoDB files of at least `bytesMin` each: they are copied first. */
export async function innodbBytes(server: TestServer, bytesMin: number): Promise<number> {
  const names = await readdir(server.datadir, { recursive: true });
  const files = names.filter((name) => /\.ibd$|^ibdata1$|^undo_?\d{3}$/u.test(name));
  // DDL beside it may take a file away.
  const sizes = files.map(
    (name) => statSync(join(server.datadir, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + (size >= bytesMin ? size : 0), 0);
}
