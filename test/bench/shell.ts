import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a command that is to end well, a pipe in all its parts. */
export async function shell(command: string): Promise<void> {
  await run('bash', ['-c', `set -o pipefail; ${command}`], { maxBuffer: 1 << 26 });
}
