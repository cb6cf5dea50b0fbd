import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { scratchDir } from './scratch.ts';
import { runTool, type ToolResult } from './tool.ts';

export interface Measured extends ToolResult {
  /** Peak resident memory of the process, bytes. */
  peakBytes: number;
  /** What it wrote to disks, bytes: pages that it made dirty, not those of its child processes. */
  diskBytes: number;
}

const blockBytes = 512;

/** Runs `xbpipe ARGS` to its end and tells what it used. */
export async function runMeasured(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Measured> {
  const file = join(scratchDir('usage'), 'usage.json');
  const env = { ...process.env, ...environment, XBPIPE_TEST_USAGE: file };
  const result = await runTool(args, { env });
  const { maxRSS, fsWrite } = JSON.parse(readFileSync(file, 'utf8')) as {
    maxRSS: number;
    fsWrite: number;
  };
  return { ...result, peakBytes: maxRSS * 1024, diskBytes: fsWrite * blockBytes };
}
