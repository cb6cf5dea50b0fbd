export const deltaSuffix = '.delta';
const metaSuffix = '.meta';

/** What the changed pages of a data file are called. */
export const deltaName = (file: string): string => file + deltaSuffix;

/** What says whose pages those are is called. */
export const metaName = (file: string): string => file + metaSuffix;

export const isDeltaName = (name: string): boolean => name.endsWith(deltaSuffix);
export const isMetaName = (name: string): boolean => name.endsWith(metaSuffix);

/** The data file that a delta has pages of; any other name as it is. */
export function fileOfDelta(name: string): string {
  return isDeltaName(name) ? name.slice(0, -deltaSuffix.length) : name;
}

/** The data file that a `.meta` belongs to; any other name as it is. */
export function fileOfMeta(name: string): string {
  return isMetaName(name) ? name.slice(0, -metaSuffix.length) : name;
}
