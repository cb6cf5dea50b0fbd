// An extracted backup to do harm to, and servers that are shell scripts.

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from '../../src/errors.ts';
import { prepare } from '../../src/restore/prepare.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';

/** A backup of the server, as an archive and as the directory that was extracted from it. */
export async function takeBackup(
  server: TestServer,
): Promise<{ archive: string; directory: string }> {
  const dir = scratchDir('backup');
  const [archive, directory] = [join(dir, 'archive'), join(dir, 'files')];
  const access = ['--no-defaults', '--user=root', `--socket=${server.socket}`];
  for (const args of [
    ['backup', ...access, `--to=${archive}`],
    ['extract', '--no-defaults', `--from=${archive}`, '-C', directory],
  ]) {
    assertDone(await runTool(args));
  }
  return { archive, directory };
}

/** A copy of a backup. */
export function copyOf(directory: string): string {
  const copy = join(scratchDir('copy'), 'files');
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/**
 * A copy that is quickly made of links: a file of it may be replaced but not written to. Not
 * for a real server.
 */
export function lightCopyOf(directory: string): string {
  const copy = join(scratchDir('copy'), 'files');
  execFileSync('cp', ['-rl', directory, copy]);
  return copy;
}

export interface FakeServer {
  path: string;
  /** True once it was started to do more than tell its version. */
  wasStarted(): boolean;
}

/** Version line of the server that the tests run with. */
export const debianVersion = 'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu';

/** A server that says its version, and runs `script` when it is started. */
export function fakeServer(script: string, versionScript = `echo '${debianVersion}'`): FakeServer {
  const dir = scratchDir('fake');
  const [path, started] = [join(dir, 'mariadbd'), join(dir, 'started')];
  const text = `#!/bin/sh
case "$*" in *--version*) ${versionScript}; exit;; esac
echo $$ > ${started}.tmp; mv ${started}.tmp ${started}
${script}
`;
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return { path, wasStarted: () => existsSync(started) };
}

/** Process id of a fake server that was started. */
export function pidOf({ path }: FakeServer): number {
  return Number(readFileSync(join(path, '..', 'started'), 'utf8'));
}

/** Until it is told to end, or the folder of the test is gone. */
const endlessly = 'while [ -e "$0" ]; do sleep 0.05; done';

/** Prints as the server does, and shuts down when it is told to. */
export function serverThatSays(...lines: string[]): string {
  const prefix = '2026-01-01  0:00:00 0 [Note]';
  const print = lines.map(
    (line) => `echo '${line.startsWith('[') ? line : `${prefix} ${line}`}' >&2`,
  );
  return ["trap 'exit 0' TERM", ...print, endlessly].join('\n');
}

export interface Outcome {
  failure: BackupError | undefined;
  /** All that was reported. */
  said: string;
}

/** `xbpipe prepare`, in this process. */
export async function tryPrepare(directory: string, serverBinary?: string): Promise<Outcome> {
  const said: string[] = [];
  const say = (message: string): void => {
    said.push(message);
  };
  const reporter = { info: say, warn: say, progress: () => undefined };
  try {
    const { signal } = new AbortController();
    await prepare(directory, { serverBinary, serverArguments: [] }, reporter, signal);
    return { failure: undefined, said: said.join('\n') };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { failure: error, said: said.join('\n') };
  }
}
