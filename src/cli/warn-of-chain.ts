import { resolve } from 'node:path';
import type { Reporter } from '../reporter.ts';
import { type Place, parentOf } from '../store/place-url.ts';

const byName = 'name every link then: --from FULL --from INCREMENT';

/**
 * A restore by the manifest of an increment looks for its chain in the directory that the increment
 * is in, and below: says so when the backup `base` that it is taken on lies elsewhere.
 */
export function warnOfOtherPlace(target: Place, base: Place, reporter: Reporter): void {
  const { parent } = parentOf(target);
  const isThere = whole(base).startsWith(`${whole(parent).replace(/\/$/, '')}/`);
  if (isThere) return;
  reporter.warn(
    `the increment will not lie beside the backup that it is taken on: a restore does not find its chain; ${byName}`,
  );
}

function whole(place: Place): string {
  return place.kind === 's3' ? `s3://${place.bucket}/${place.path}` : resolve(place.path);
}
