// One temporary folder per process, and a guardian that outlives the process: whatever way a
// test ends (SIGKILL included), its servers are killed and its files are gone.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Reads "+pid" and "-pid" until its input ends, which happens when this process is gone. A
// process id is used again some day, so only one that names our folder is killed.
const guardianScript = `
pids=
while read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) kept=; for pid in $pids; do [ "$pid" = "\${line#-}" ] || kept="$kept $pid"; done; pids=$kept ;;
  esac
done
for pid in $pids; do
  if tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$1"; then kill -9 "$pid"; fi
done 2>/dev/null
[ -n "$2" ] || { sleep 0.2; rm -rf -- "$1"; }
`;

interface Scratch {
  readonly root: string;
  readonly guardian: ChildProcess;
}

const children = new Set<number>();
const keep = process.env['XBPIPE_KEEP'] ?? '';
let scratch: Scratch | undefined;
let count = 0;

const openScratch = (): Scratch => {
  if (scratch !== undefined) return scratch;
  const root = mkdtempSync(join(tmpdir(), 'xbpipe-test-'));
  // Detached: an interrupt from the terminal must reach the test and not its guardian.
  const guardian = spawn('/bin/sh', ['-c', guardianScript, 'guardian', root, keep], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  const input = guardian.stdin as NodeJS.WritableStream & { unref?: () => void };
  input.unref?.();
  input.on('error', () => undefined);
  process.once('exit', () => {
    for (const pid of children) killHard(pid);
    if (keep === '') rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  });
  scratch = { root, guardian };
  return scratch;
};

/** SIGKILL; a process that is gone already is no error. */
export function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/**
 * A fresh empty folder, removed when the process ends (kept when XBPIPE_KEEP is set).
 * Its path is short and without spaces as long as that of os.tmpdir() is.
 */
export function scratchDir(name: string): string {
  count += 1;
  const path = join(openScratch().root, `${count}-${name}`);
  mkdirSync(path, { mode: 0o755 });
  return path;
}

/** Has the process killed when this one ends; its command line must name a scratch folder. */
export function guard(pid: number): void {
  children.add(pid);
  openScratch().guardian.stdin?.write(`+${pid}\n`);
}

/** The guarded process has ended. */
export function unguard(pid: number): void {
  children.delete(pid);
  openScratch().guardian.stdin?.write(`-${pid}\n`);
}
