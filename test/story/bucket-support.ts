// What the stories of backups in buckets share.

import { text } from 'node:stream/consumers';

import type { S3Place } from '../support/s3/s3-place.ts';
import { startTool, toolEnd, type ToolResult } from '../support/tool.ts';

/** Options that reach a place; what fails is tried again at once. */
export const bucketArgs = (place: S3Place): string[] => [
  `--s3-endpoint=${place.endpoint}`,
  '--max-backoff=20',
];

/** The environment of the tool: that of the place, and no credentials of whoever runs the tests. */
export function bucketEnvironment(place: S3Place): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return { ...Object.fromEntries(own), ...place.environment };
}

/** Runs `xbpipe ARGS` with the way to a place; `answer` is what it said on standard output. */
export async function runWithBucket(
  place: S3Place,
  args: readonly string[],
): Promise<ToolResult & { answer: string }> {
  const all = [...args, ...bucketArgs(place)];
  const child = startTool(all, { env: bucketEnvironment(place), stdout: 'pipe' });
  const [answer, ended] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    toolEnd(child),
  ]);
  return { ...ended, answer };
}
