/** What a MariaDB server says of its crash recovery, read line by line from its error log. */
export class RecoveryLog {
  readonly #lines: string[] = [];
  /** LSN the recovery started at; undefined when the server saw nothing to recover. */
  checkpointLsn: number | undefined;
  /** LSN up to which the server scanned the redo log. */
  endLsn: number | undefined;
  /** First message after which the data must not be trusted. */
  fatal: string | undefined;
  ready = false;
  /** How the server ended after it was ready, unless it shut down cleanly. */
  crash: string | undefined;
  readonly warnings: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > linesKept) this.#lines.shift();
    this.checkpointLsn ??= lsnIn(/crash recovery from checkpoint LSN\s*=\s*(\d+)/i, line);
    this.endLsn ??= lsnIn(/End of log at LSN\s*=\s*(\d+)/i, line);
    if (/ready for connections/.test(line)) this.ready = true;
    if (isFatal(line)) this.fatal ??= line;
    else if (/\[(Warning|ERROR)\]/.test(line)) this.warnings.push(line);
  }

  /** The last lines, for an error message. */
  tail(count: number): string {
    return this.#lines.slice(-count).join('\n');
  }
}

const linesKept = 200;

/** Messages that a server goes on after, with data that are not those of the backup. */
const fatalPatterns = [
  /is in the future/i,
  // Most lines name `mariadbd`, which says nothing of Aria.
  /\[ERROR\].*(InnoDB|\baria(?![a-z])|recovery|Can't init|Aborting|Unknown\/unsupported)/i,
  /Tablespace .* was not found/i,
  /Cannot find a free slot for an undo log/i,
];
/** Outside of names: a table may be called so. */
const corruption = /corrupt/i;
const names = /(?<=[\s(])'[^']*'|`[^`]*`|\S*\/\S*/g;
/** A table whose tablespace vanished before anything of it was changed. */
const harmless = [/but there were no modifications either/i];

function isFatal(line: string): boolean {
  if (harmless.some((pattern) => pattern.test(line))) return false;
  return (
    fatalPatterns.some((pattern) => pattern.test(line)) || corruption.test(line.replace(names, ''))
  );
}

function lsnIn(pattern: RegExp, line: string): number | undefined {
  const match = pattern.exec(line);
  return match ? Number(match[1]) : undefined;
}
