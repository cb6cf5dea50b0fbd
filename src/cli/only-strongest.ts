import type { Command } from 'commander';

/** Where options come from beside option files, the strongest first. */
const sources = ['cli', 'env'];

/**
 * For options that exclude each other: what is named on the command line takes the place of what the
 * environment names, and both of that of option files, whichever of the options it is: as with any
 * other option.
 */
export function onlyStrongest(command: Command, attributes: readonly string[]): void {
  for (const source of sources) {
    const named = attributes.filter((name) => command.getOptionValueSource(name) === source);
    if (named.length === 0) continue;
    for (const name of attributes) {
      // From here on no option file sets it.
      if (!named.includes(name)) command.setOptionValueWithSource(name, undefined, source);
    }
    return;
  }
}
