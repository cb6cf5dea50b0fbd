import { type Command, Option } from 'commander';
import { onlyStrongest } from './only-strongest.ts';

const keys = ['encryptKey', 'encryptKeyFile'];

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
      onlyStrongest(command, keys);
    });
}
