import { type FailureCode, failures } from '../errors.ts';

/** The exit statuses as lines of a help text or a table, from the one table of failures. */
export function exitStatusRows(): { status: number; meaning: string }[] {
  return [
    { status: 0, meaning: 'done; a backup is complete and restorable' },
    ...Object.values(failures),
  ];
}

export function exitStatusHelp(): string {
  const rows = exitStatusRows().map(
    ({ status, meaning }) => `  ${String(status).padStart(3)}  ${meaning}`,
  );
  return `\nExit status:\n${rows.join('\n')}`;
}

/** The same for the programs that stand in for XtraBackup's, which can fail in these ways only. */
export function stockExitStatusHelp(): string {
  const codes: FailureCode[] = ['failed', 'usage', 'storage', 'incomplete', 'corrupt', 'wrong-key'];
  const rows = [{ status: 0, meaning: 'done' }, ...codes.map((code) => failures[code])].map(
    ({ status, meaning }) => `  ${String(status).padStart(2)}  ${meaning}\n`,
  );
  return `Exit status:\n${rows.join('')}`;
}
