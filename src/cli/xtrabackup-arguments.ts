/** What XtraBackup spells as an option is a command here. */
const commandOptions: Record<string, string> = {
  '--backup': 'backup',
  '--prepare': 'prepare',
};

/**
 * Arguments of a script written for xtrabackup or mariadb-backup, in our words:
 * `--backup --stream=xbstream` is `backup --stream=xbstream`, underscores in
 * option names are dashes, `--prepare --target-dir=DIR` is `prepare DIR`.
 */
export function modernArguments(argv: readonly string[]): string[] {
  const args = argv.map(dashed);
  const at = args.findIndex((arg) => arg in commandOptions);
  if (at < 0 || !args.slice(0, at).every((arg) => arg.startsWith('-'))) return args;
  const command = commandOptions[args[at] ?? ''] ?? '';
  const rest = [...args.slice(0, at), ...args.slice(at + 1)];
  if (command !== 'prepare') return [command, ...rest];
  return [command, ...rest.map((arg) => arg.replace(/^--target-dir=/, ''))];
}

/** `--lock_ddl=ON` as `--lock-ddl=ON`; the value stays as it is. */
function dashed(arg: string): string {
  const [, name, rest = ''] = /^(--[A-Za-z][\w-]*)(.*)$/s.exec(arg) ?? [];
  return name === undefined ? arg : name.replaceAll('_', '-') + rest;
}
