import { BackupError, type FailureCode } from '../../errors.ts';
import type { Judged } from '../retry.ts';

/** The error codes of S3 that say who asks is not known or not allowed. */
const credentialCodes = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'AuthFailure',
  'CredentialsProviderError',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenProviderError',
]);
/** The credentials were right once: the chain that they came from may have newer ones. */
const expiredCodes = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'TokenRefreshRequired',
]);
/** Damage or delay on the way, or a store that has too much to do. */
const passingCodes = new Set([
  'BadDigest',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequests',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
]);
const passingStatuses = new Set([408, 429, 500, 502, 503, 504, 509]);
const networkCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

/** What the SDK throws, as far as it can be relied on. */
interface ServiceFailure extends Error {
  $metadata?: { httpStatusCode?: number };
  /** Only what could not be understood has it. */
  $responseBodyText?: string;
}

/** S3's name for what went wrong, such as NoSuchKey, or the system's, such as ECONNRESET. */
export function s3CodeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
}

export function isMissing(thrown: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes(s3CodeOf(thrown));
}

/** The store does not have this operation or this header. */
export function isNotImplemented(thrown: unknown): boolean {
  const status = statusOf(thrown);
  return s3CodeOf(thrown) === 'NotImplemented' || status === 501 || status === 405;
}

/** The object was there already, or is not the one that was meant. */
export function isPreconditionFailed(thrown: unknown): boolean {
  return s3CodeOf(thrown) === 'PreconditionFailed' || statusOf(thrown) === 412;
}

export function isExpired(thrown: unknown): boolean {
  return expiredCodes.has(s3CodeOf(thrown));
}

/** A bad request, and nobody says why: it may be an expired token or a key that is missing. */
export function isUntold(thrown: unknown): boolean {
  return statusOf(thrown) === 400 && ['400', 'BadRequest', 'Unknown'].includes(s3CodeOf(thrown));
}

/** A failure of a request about `url`, in our words. */
export function judgeS3(thrown: unknown, url: string): Judged {
  if (thrown instanceof BackupError) return { error: thrown, isWorthAnother: false };
  const code = s3CodeOf(thrown);
  const message = messageOf(thrown, code);
  const hint = hintFor(code);
  const error = new BackupError(failureOf(thrown, code), `${url}: ${described(code, message)}`, {
    ...(hint === undefined ? {} : { hint }),
    where: { path: url },
    cause: thrown,
  });
  return { error, isWorthAnother: isPassing(thrown, code) };
}

/** Bytes that came or were taken are not those that were meant: another try may be luckier. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
}

function isPassing(thrown: unknown, code: string): boolean {
  if (thrown instanceof TransferError || isExpired(thrown)) return true;
  if (passingCodes.has(code) || networkCodes.has(code)) return true;
  const status = statusOf(thrown);
  if (status !== undefined && passingStatuses.has(status)) return true;
  // An answer that is not S3's: something between us and the store made it.
  return thrown instanceof Error && '$responseBodyText' in thrown && status === 200;
}

function failureOf(thrown: unknown, code: string): FailureCode {
  if (credentialCodes.has(code) || expiredCodes.has(code)) return 'credentials';
  const status = statusOf(thrown);
  return status === 401 || status === 403 ? 'credentials' : 'storage';
}

function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof Error ? (thrown as ServiceFailure).$metadata?.httpStatusCode : undefined;
}

function messageOf(thrown: unknown, code: string): string {
  if (code === 'Unknown') return `the store answered with status ${statusOf(thrown)}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function described(code: string, message: string): string {
  return ['', 'Error', 'Unknown'].includes(code) || message.includes(code)
    ? message
    : `${message} (${code})`;
}

function hintFor(code: string): string | undefined {
  if (code === 'CredentialsProviderError') {
    return 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role';
  }
  if (code === 'NoSuchBucket') return 'the bucket must exist: it is never created here';
  if (code === 'ENOTFOUND') return 'check the name in --s3-endpoint';
  return undefined;
}
