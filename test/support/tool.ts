// Runs the built command-line tool as a user would: a process of its own.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

const runner = fileURLToPath(new URL('./tool-main.js', import.meta.url));

export interface ToolResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Starts `xbpipe ARGS`; streams as given, standard error always a pipe. */
export function startTool(
  args: readonly string[],
  stdio: {
    stdin?: 'pipe' | 'ignore' | number;
    stdout?: 'pipe' | 'ignore' | number;
    env?: NodeJS.ProcessEnv;
  } = {},
): ChildProcess {
  const { stdin = 'ignore', stdout = 'ignore', env = process.env } = stdio;
  return spawn(process.execPath, [runner, ...args], {
    stdio: [stdin, stdout, 'pipe'],
    env,
  });
}

/** Waits for its end. */
export async function toolEnd(child: ChildProcess): Promise<ToolResult> {
  const stderr = child.stderr ? text(child.stderr) : Promise.resolve('');
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { status, signal, stderr: await stderr };
}

/** Runs `xbpipe ARGS` to its end, with nothing on standard input and no standard output. */
export async function runTool(
  args: readonly string[],
  stdio: Parameters<typeof startTool>[1] = {},
): Promise<ToolResult> {
  return await toolEnd(startTool(args, stdio));
}

/** Fails with what the tool said unless it ended well. */
export function assertDone(result: ToolResult): ToolResult {
  assert.equal(result.status, 0, result.stderr);
  return result;
}

/** A shell pipeline with `xbpipe` as the tool, `pipefail` set; `$1...` are the arguments. */
export async function runShell(script: string, ...args: string[]): Promise<ToolResult> {
  const prelude = 'set -o pipefail; xbpipe() { "$XBPIPE_NODE" "$XBPIPE_MAIN" "$@"; }\n';
  const child = spawn('bash', ['-c', prelude + script, 'bash', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XBPIPE_NODE: process.execPath, XBPIPE_MAIN: runner },
  });
  return await toolEnd(child);
}
