import { plainPath } from '../transform/member-decoder.ts';

/** Data files that members called `t.del` say to be gone, although they may have been copied. */
export function droppedFiles(members: Iterable<string>): Set<string> {
  const files = new Set<string>();
  for (const member of members) {
    const path = plainPath(member);
    if (path.endsWith('.del')) files.add(path.replace(/\.del$/, '.ibd'));
  }
  return files;
}
