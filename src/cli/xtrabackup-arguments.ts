/** What XtraBackup spells as an option is a command here. */
const commandOptions = new Map([
  ['--backup', 'backup'],
  ['--prepare', 'prepare'],
]);

/**
 * Arguments of a script written for xtrabackup or mariadb-backup, in our words:
 * `--backup --stream=xbstream` is `backup --stream=xbstream`, underscores in
 * option names are dashes, `--prepare --target-dir=DIR` is `prepare DIR`.
 */
export function modernArguments(argv: readonly string[]): string[] {
  const args = argv.map(dashed);
  const at = args.findIndex((arg) => commandOptions.has(arg));
  // A command of ours comes first.
  if (at < 0 || args[0]?.startsWith('-') !== true) return args;
  const command = commandOptions.get(args[at] ?? '') ?? '';
  const given = [...args.slice(0, at), ...args.slice(at + 1)];
  const { directory, rest } = takeTargetDir(given);
  if (command === 'prepare') return [command, ...rest, ...directory];
  // Beside --stream it is no target: those tools want it for their temporary files.
  const streams = given.some((arg) => /^--stream(=|$)/.test(arg));
  return [command, ...(streams ? rest : given)];
}

/** `--target-dir=DIR` or `--target-dir DIR` apart from the other arguments. */
function takeTargetDir(args: readonly string[]): { directory: string[]; rest: string[] } {
  const at = args.findIndex((arg) => /^--target-dir(=|$)/.test(arg));
  if (at < 0) return { directory: [], rest: [...args] };
  const attached = /^--target-dir=(.*)$/s.exec(args[at] ?? '');
  const words = attached ? 1 : 2;
  const directory = attached?.[1] ?? args[at + 1];
  return {
    directory: directory === undefined ? [] : [directory],
    rest: [...args.slice(0, at), ...args.slice(at + words)],
  };
}

/** `--lock_ddl=ON` as `--lock-ddl=ON`; the value stays as it is. */
function dashed(arg: string): string {
  const [, name, rest = ''] = /^(--[A-Za-z][\w-]*)(.*)$/s.exec(arg) ?? [];
  return name === undefined ? arg : name.replaceAll('_', '-') + rest;
}
