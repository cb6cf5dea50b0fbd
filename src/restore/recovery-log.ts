/** How a server words its crash recovery. */
export interface RecoveryWords {
  /** With the LSN that recovery starts at. */
  checkpoint: RegExp;
  /** With the LSN up to which the redo log was scanned. */
  end: RegExp;
  /** Said once, or again and again while the scan goes on. */
  endIsSaid: 'once' | 'repeatedly';
  /** Messages that the server goes on after, with data that are not those of the backup. */
  fatal: readonly RegExp[];
  /** Messages that look fatal and are not. */
  harmless: readonly RegExp[];
  /** Warnings about how we start the server: they say nothing of the data. */
  unremarkable: readonly RegExp[];
}

/** What a server says of its crash recovery, read line by line from its error log. */
export class RecoveryLog {
  readonly #words: RecoveryWords;
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

  constructor(words: RecoveryWords) {
    this.#words = words;
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > linesKept) this.#lines.shift();
    this.checkpointLsn ??= lsnIn(this.#words.checkpoint, line);
    if (this.endLsn === undefined || this.#words.endIsSaid === 'repeatedly') {
      this.endLsn = lsnIn(this.#words.end, line) ?? this.endLsn;
    }
    if (/ready for connections/.test(line)) this.ready = true;
    if (this.#isFatal(line)) this.fatal ??= line;
    else if (/\[(Warning|ERROR)\]/.test(line) && !this.#isUnremarkable(line)) {
      this.warnings.push(line);
    }
  }

  /** The last lines, for an error message. */
  tail(count: number): string {
    return this.#lines.slice(-count).join('\n');
  }

  #isUnremarkable(line: string): boolean {
    return this.#words.unremarkable.some((pattern) => pattern.test(line));
  }

  #isFatal(line: string): boolean {
    const { fatal, harmless } = this.#words;
    if (harmless.some((pattern) => pattern.test(line))) return false;
    return fatal.some((pattern) => pattern.test(line)) || corruption.test(line.replace(names, ''));
  }
}

const linesKept = 200;

/** Outside of names: a table may be called so. */
const corruption = /corrupt/i;
const names = /(?<=[\s(])'[^']*'|`[^`]*`|\S*\/\S*/g;
function lsnIn(pattern: RegExp, line: string): number | undefined {
  const match = pattern.exec(line);
  return match ? Number(match[1]) : undefined;
}
