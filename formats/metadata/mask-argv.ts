/** What stands in place of a secret. */
export const mask = '...';

/**
 * Options whose value is a secret. `atLeast` is the shortest abbreviation to
 * mask: MySQL-style parsers take any unique beginning of a name.
 */
const secretOptions: readonly { name: string; atLeast: number }[] = [
  { name: 'password', atLeast: 3 },
  { name: 'encrypt-key', atLeast: 9 },
  { name: 'transition-key', atLeast: 3 },
];

/** Option names of this end hold secrets in any tool (S3 keys, tokens); `...-file` names do not. */
const secretEnding = /(?:^|-)(?:password|passphrase|secret|token|(?:secret|encrypt)[a-z-]*-key)$/u;

/**
 * The arguments of the program as one line for `tool_command`, with every
 * secret as `...`. Rather masks a word too much: the line is kept in the
 * backup and in the server's history table. Unlike the reference tools it also
 * masks a password given as a word of its own after `-p`.
 */
export function maskArgv(argv: readonly string[]): string {
  const words: string[] = [];
  let secretNext: 'no' | 'required' | 'optional' = 'no';
  for (const word of argv) {
    if (secretNext === 'required' || (secretNext === 'optional' && !word.startsWith('--'))) {
      words.push(mask);
      secretNext = 'no';
      continue;
    }
    const masked = maskWord(word);
    words.push(oneLine(masked.word));
    secretNext = masked.next;
  }
  return words.join(' ');
}

interface MaskedWord {
  word: string;
  next: 'no' | 'required' | 'optional';
}

function maskWord(word: string): MaskedWord {
  const short = /^-v*[pk]/u.exec(word)?.[0];
  if (short !== undefined) {
    return short === word ? { word, next: 'optional' } : { word: `${short}${mask}`, next: 'no' };
  }
  const [, option, value] = /^--([^=]+)(=[^]*)?$/u.exec(word) ?? [];
  if (option === undefined || !isSecretOption(option)) return { word: maskUrl(word), next: 'no' };
  if (value !== undefined) return { word: `--${option}=${mask}`, next: 'no' };
  // `--password` alone asks for it at the terminal; a key option always takes the next word.
  return { word, next: option.toLowerCase().startsWith('pas') ? 'optional' : 'required' };
}

function isSecretOption(option: string): boolean {
  const name = option
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^(?:loose-)+/u, '');
  return (
    secretEnding.test(name) ||
    secretOptions.some((secret) => name.length >= secret.atLeast && secret.name.startsWith(name))
  );
}

/** `scheme://user:password@host`: the password goes, the rest helps to see where the backup went. */
function maskUrl(word: string): string {
  return word.replace(/(:\/\/[^/?#@:]*:)[^/?#]*@/u, `$1${mask}@`);
}

/** A line break in an argument would forge lines of the info file. */
function oneLine(word: string): string {
  return word.replaceAll(/[\n\r\0]/gu, ' ');
}
