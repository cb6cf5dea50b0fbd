import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { BackupError, toBackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import type { StoreAccess } from '../store/open-store.ts';
import {
  type S3Checksum,
  type S3Settings,
  type ServerSideEncryption,
  s3Defaults,
  s3Limits,
} from '../store/s3/s3-settings.ts';
import { collect, parseCount, parseNumber, parseSize } from './parse-values.ts';

/** Options of every command that may reach a bucket. */
export interface StoreValues {
  s3Endpoint?: string;
  s3Region?: string;
  s3BucketLookup?: 'auto' | 'dns' | 'path';
  s3SseCKeyFile?: string;
  cacert?: string;
  insecure?: boolean;
  maxRetries: number;
  maxBackoff: number;
  timeout: number;
}

/** Options of those that write objects there. */
export interface StoreWriteValues extends StoreValues {
  s3StorageClass?: string;
  s3Sse?: 'AES256' | 'aws:kms';
  s3SseKmsKeyId?: string;
  s3ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE';
  s3ObjectLockDays?: number;
  s3LegalHold?: boolean;
  s3Tag?: string[];
  s3Checksum?: 'auto' | S3Checksum;
  s3PartSize?: number;
  s3MaxParts?: number;
  s3Parallel?: number;
}

const keyBytes = 32;
const parallelMax = 64;

/** Named as xbcloud names them where it has them. */
export function addStoreOptions(command: Command): void {
  command
    .optionsGroup(
      'Bucket (credentials come from the environment, profiles and roles, as AWS has them):',
    )
    .option('--s3-endpoint <url>', 'of a store that is not AWS')
    .option('--s3-region <name>', 'default: AWS_REGION, the profile, or us-east-1')
    .addOption(
      new Option(
        '--s3-bucket-lookup <style>',
        'the bucket in the path or the host name (auto: in the path when there is an endpoint)',
      ).choices(['auto', 'dns', 'path']),
    )
    .option('--s3-sse-c-key-file <file>', 'SSE-C: the 32 bytes of the key, as they are')
    .option('--cacert <file>', 'certificates to trust as well, PEM; also from AWS_CA_BUNDLE')
    .option('--insecure', 'believe any certificate')
    .option('--max-retries <n>', 'tries after the first', parseNumber, s3Defaults.retriesMax)
    .option('--max-backoff <ms>', 'longest pause between two', parseCount, s3Defaults.backoffMsMax)
    .option(
      '--timeout <seconds>',
      'longest silence of a connection',
      parseCount,
      s3Defaults.timeoutMs / 1000,
    );
}

/** What objects that are written become. */
export function addObjectOptions(command: Command): void {
  addStoreOptions(command);
  command
    .option('--s3-storage-class <name>', 'such as STANDARD_IA')
    .addOption(
      new Option('--s3-sse <algorithm>', 'what the store encrypts with').choices([
        'AES256',
        'aws:kms',
      ]),
    )
    .option('--s3-sse-kms-key-id <id>', "key of aws:kms, if not the account's own")
    .addOption(
      new Option('--s3-object-lock-mode <mode>', 'nobody can delete it until').choices([
        'GOVERNANCE',
        'COMPLIANCE',
      ]),
    )
    .option('--s3-object-lock-days <n>', 'that many days have passed', parseCount)
    .option('--s3-legal-hold', 'nobody can delete it until the hold is taken off')
    .option('--s3-tag <pair>', 'NAME=VALUE, a tag of every object; may be repeated', collect)
    .addOption(
      new Option(
        '--s3-checksum <kind>',
        'what proves a part (auto: crc32 on AWS, md5 elsewhere)',
      ).choices(['auto', 'crc32', 'md5', 'none']),
    );
}

/** And how an archive is sent. */
export function addUploadOptions(command: Command): void {
  addObjectOptions(command);
  command
    .option('--s3-part-size <size>', 'of every part but the last (default: 16M)', parseSize)
    .option(
      '--s3-max-parts <n>',
      'of one object; the archive goes on in another (default: 10000)',
      parseCount,
    )
    .option(
      '--s3-parallel <n>',
      'parts in memory, on their way or being filled (default: 3)',
      parseCount,
    );
}

/** How the stores of a command are reached; every request that is tried again is told. */
export function storeAccessOf(
  values: StoreValues & Partial<StoreWriteValues>,
  reporter: Reporter,
  signal?: AbortSignal,
): StoreAccess {
  const onRetry = ({ message, hint = '' }: BackupError, pauseMs: number): void => {
    const advice = hint === '' ? '' : ` (${hint})`;
    reporter.warn(`${message}${advice}; trying again in ${(pauseMs / 1000).toFixed(1)} s`);
  };
  return { s3: settingsOf(values), onRetry, signal };
}

/** What only makes sense in a bucket is told where it has no effect: somebody may rely on it. */
export function warnOfBucketOptions(values: StoreWriteValues, reporter: Reporter): void {
  const effects: [unknown, string][] = [
    [values.s3ObjectLockMode, '--s3-object-lock-mode'],
    [values.s3LegalHold, '--s3-legal-hold'],
    [values.s3SseCKeyFile, '--s3-sse-c-key-file'],
    [values.s3Sse, '--s3-sse'],
  ];
  const named = effects.filter(([value]) => value !== undefined).map(([, option]) => option);
  if (named.length > 0) reporter.warn(`no effect outside of a bucket: ${named.join(', ')}`);
}

function settingsOf(values: StoreValues & Partial<StoreWriteValues>): S3Settings {
  const { s3BucketLookup: lookup = 'auto', s3Checksum: checksum = 'auto' } = values;
  const { s3Endpoint: endpoint } = values;
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw usage(`--s3-endpoint ${endpoint}: http://HOST:PORT or https://... is wanted`);
  }
  return {
    endpoint,
    region: values.s3Region,
    pathStyle: lookup === 'auto' ? undefined : lookup === 'path',
    caFile: values.cacert,
    verifyTls: values.insecure !== true,
    storageClass: values.s3StorageClass ?? process.env['AWS_STORAGE_CLASS'],
    encryption: encryptionOf(values),
    objectLock: objectLockOf(values),
    legalHold: values.s3LegalHold === true,
    tags: tagsOf(values),
    checksum: checksum === 'auto' ? undefined : checksum,
    ...limitsOf(values),
    retriesMax: values.maxRetries,
    backoffMsMax: values.maxBackoff,
    timeoutMs: values.timeout * 1000,
  };
}

function limitsOf(
  values: Partial<StoreWriteValues>,
): Pick<S3Settings, 'partBytes' | 'partsMax' | 'parallel'> {
  const { s3PartSize: partBytes = s3Defaults.partBytes } = values;
  const { s3MaxParts: partsMax = s3Defaults.partsMax } = values;
  const { s3Parallel: parallel = s3Defaults.parallel } = values;
  const { partBytesMin, partBytesMax } = s3Limits;
  if (partBytes < partBytesMin || partBytes > partBytesMax) {
    throw usage(`--s3-part-size is ${partBytesMin} to ${partBytesMax} bytes`);
  }
  if (partsMax < 1 || partsMax > s3Limits.partsMax) {
    throw usage(`--s3-max-parts is 1 to ${s3Limits.partsMax}`);
  }
  if (parallel < 1 || parallel > parallelMax) throw usage(`--s3-parallel is 1 to ${parallelMax}`);
  return { partBytes, partsMax, parallel };
}

function encryptionOf({
  s3Sse: kind,
  s3SseKmsKeyId: keyId,
  s3SseCKeyFile: file,
}: Partial<StoreWriteValues>): ServerSideEncryption | undefined {
  if (file !== undefined) {
    if (kind !== undefined) throw usage('--s3-sse and --s3-sse-c-key-file exclude each other');
    return { kind: 'customer', key: readKey(file) };
  }
  if (keyId !== undefined && kind !== 'aws:kms') {
    throw usage('--s3-sse-kms-key-id goes with --s3-sse=aws:kms');
  }
  if (kind === undefined) return undefined;
  return kind === 'AES256' ? { kind } : { kind, keyId };
}

function readKey(file: string): Uint8Array {
  let key: Uint8Array;
  try {
    key = readFileSync(file);
  } catch (error) {
    throw toBackupError(error, 'usage');
  }
  if (key.length === keyBytes) return key;
  throw usage(`${file} has ${key.length} bytes: a key of SSE-C has ${keyBytes}`);
}

function objectLockOf({
  s3ObjectLockMode: mode,
  s3ObjectLockDays: days,
}: Partial<StoreWriteValues>): S3Settings['objectLock'] {
  if (mode === undefined && days === undefined) return undefined;
  if (mode !== undefined && days !== undefined && days > 0) return { mode, days };
  throw usage('--s3-object-lock-mode and --s3-object-lock-days go together');
}

function tagsOf({ s3Tag: tags = [] }: Partial<StoreWriteValues>): string[] {
  const wrong = tags.find((tag) => !/^[^=]+=/.test(tag));
  if (wrong === undefined) return tags;
  throw usage(`--s3-tag ${wrong}: name=value is wanted`);
}

function usage(message: string): BackupError {
  return new BackupError('usage', message);
}
