import { FormatError } from '../formats/format-error.ts';
import { WrongKeyError } from '../formats/xbcrypt/index.ts';

/**
 * Every way to fail: the one table behind exit statuses, the help text and the
 * README (a test compares them).
 */
export const failures = {
  failed: { status: 1, meaning: 'anything not listed below' },
  usage: { status: 2, meaning: 'wrong options or arguments' },
  access: { status: 10, meaning: 'cannot connect to the server, or a privilege is missing' },
  overrun: { status: 11, meaning: 'the server overwrote redo log that was not copied yet' },
  lock: { status: 12, meaning: 'a backup lock could not be obtained' },
  'corrupt-page': { status: 13, meaning: 'a page of the source stays corrupt' },
  storage: { status: 20, meaning: 'reading or writing storage failed (disk, pipe, S3)' },
  credentials: { status: 21, meaning: 'storage credentials are missing or refused' },
  incomplete: { status: 30, meaning: 'the archive is not whole' },
  corrupt: { status: 31, meaning: 'the archive or backup is damaged' },
  'wrong-key': { status: 32, meaning: 'wrong encryption key' },
  chain: { status: 40, meaning: 'the backups do not form a chain' },
  recovery: { status: 50, meaning: "the server's own recovery failed or fell short" },
  interrupted: { status: 130, meaning: 'interrupted (SIGINT)' },
  terminated: { status: 143, meaning: 'terminated (SIGTERM)' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type FailureCode = keyof typeof failures;

/** Where a failure was seen; every part that is known. */
export interface Where {
  path?: string;
  offset?: number;
  lsn?: number;
  field?: string;
}

/** The one error class of the tool: a code of the table, a message, and what helps to act on it. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: FailureCode;
  readonly hint: string | undefined;
  readonly where: Where;

  constructor(
    code: FailureCode,
    message: string,
    options: { hint?: string; where?: Where; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.where = options.where ?? {};
  }

  get status(): number {
    return failures[this.code].status;
  }
}

/** Anything thrown, as a BackupError: what already is one stays as it is. */
export function toBackupError(thrown: unknown, code: FailureCode = 'failed'): BackupError {
  if (thrown instanceof BackupError) return thrown;
  if (thrown instanceof WrongKeyError) {
    return new BackupError('wrong-key', thrown.message, { cause: thrown });
  }
  if (thrown instanceof FormatError) {
    return new BackupError(thrown.kind === 'truncated' ? 'incomplete' : 'corrupt', thrown.message, {
      where: { offset: thrown.offset, field: thrown.field },
      cause: thrown,
    });
  }
  if (isSystemError(thrown)) {
    return new BackupError(code === 'failed' ? 'storage' : code, describeSystemError(thrown), {
      ...(thrown.path === undefined ? {} : { where: { path: thrown.path } }),
      cause: thrown,
    });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BackupError(code, message, { cause: thrown });
}

interface SystemError extends Error {
  code: string;
  syscall: string;
  path?: string;
}

function isSystemError(thrown: unknown): thrown is SystemError {
  return thrown instanceof Error && 'code' in thrown && 'syscall' in thrown;
}

/** True for the system error of this code, such as ENOENT. */
export function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

const systemMeanings: Record<string, string> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EPIPE: 'the reader of the pipe is gone',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  EEXIST: 'it exists already',
  EIO: 'input/output error',
  EROFS: 'the file system is read-only',
};

function describeSystemError(error: SystemError): string {
  const meaning = systemMeanings[error.code] ?? error.message;
  const subject = error.path === undefined ? '' : `${error.path}: `;
  return `${subject}${meaning} (${error.code} in ${error.syscall})`;
}
