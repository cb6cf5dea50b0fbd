// What the stories of backups in buckets share.

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

/** Runs `xbpipe ARGS` with the way to a place. */
export async function runWithBucket(
  place: S3Place,
  args: readonly string[],
  stdout: 'pipe' | 'ignore' = 'ignore',
): Promise<ToolResult> {
  const all = [...args, ...bucketArgs(place)];
  return await toolEnd(startTool(all, { env: bucketEnvironment(place), stdout }));
}
