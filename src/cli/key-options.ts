import { type Command, Option } from 'commander';

const keys = ['encryptKey', 'encryptKeyFile'];
/** Where options come from beside option files, the strongest first. */
const sources = ['cli', 'env'];

/** The options that name the key, for every command that takes one. */
export function addKeyOptions(command: Command): void {
  command
    .addOption(
      new Option('--encrypt-key-file <file>', 'the key: 16, 24 or 32 bytes and not one more').env(
        'XBPIPE_ENCRYPT_KEY_FILE',
      ),
    )
    .option('--encrypt-key <key>', 'the key itself; others may see it, better name a file')
    .hook('preAction', () => {
      dropWeakerKey(command);
    });
}

/**
 * What is named on the command line takes the place of what the environment names, and both of
 * that of option files, whichever of the two options it is: as with any other option.
 */
function dropWeakerKey(command: Command): void {
  for (const source of sources) {
    const named = keys.filter((key) => command.getOptionValueSource(key) === source);
    if (named.length === 0) continue;
    for (const key of keys) {
      // From here on no option file sets it.
      if (!named.includes(key)) command.setOptionValueWithSource(key, undefined, source);
    }
    return;
  }
}
