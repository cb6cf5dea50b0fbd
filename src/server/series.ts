/** [major, minor, patch] of a server's version text; undefined when it has none. */
export function parseSeries(version: string): [number, number, number] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version.replace(/^5\.5\.5-/, ''));
  if (!match) return undefined;
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}
