import type { BackupDirectory } from './backup-directory.ts';

/** Options of the source that its files do not open without, as arguments. */
export function optionsOf({ options }: BackupDirectory, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = options.get(name);
    return value === undefined ? [] : [`--${name.replaceAll('_', '-')}=${value}`];
  });
}
