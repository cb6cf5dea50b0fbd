import { acceptedNames, decodeInfo } from '../../../formats/metadata/index.ts';
import { readFirst } from '../../restore/read-record.ts';

/**
 * The backup that a data directory was restored from, as its info file calls it, which we and the
 * stock tools leave there; undefined where there is none that can be read.
 */
export function restoredFrom(datadir: string): string | undefined {
  try {
    return readFirst(datadir, acceptedNames.info, decodeInfo)?.value.uuid;
  } catch {
    // Whoever changed it, the server does not need it.
    return undefined;
  }
}
