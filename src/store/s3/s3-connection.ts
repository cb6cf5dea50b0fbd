import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { toBackupError } from '../../errors.ts';
import type { StoreAccess } from '../open-store.ts';
import { type RetryPolicy, retried } from '../retry.ts';
import { isExpired, judgeS3 } from './s3-failure.ts';
import { isElsewhere, keysOfXbcloud, placeOfXbcloud } from './s3-environment.ts';
import type { S3Settings } from './s3-settings.ts';

const connectMs = 10_000;
const fallbackRegion = 'us-east-1';

/** A client of the SDK, with its credential chain, and our way to try again. */
export class S3Connection {
  readonly #settings: S3Settings;
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;
  #client: S3Client | undefined;

  constructor({ s3, onRetry, signal }: StoreAccess) {
    this.#settings = s3;
    const { retriesMax, backoffMsMax } = s3;
    this.#policy = { retriesMax, backoffMsMax, onRetry };
    this.#signal = signal;
  }

  /** Runs requests about `url`, again where that may help. `signal` ends the tries. */
  async run<T>(
    url: string,
    request: (client: S3Client) => Promise<T>,
    signal = this.#signal,
  ): Promise<T> {
    return await retried(
      async () => await request((this.#client ??= await connect(this.#settings))),
      (thrown) => {
        // A new client asks the whole chain again for credentials.
        if (isExpired(thrown)) this.#client = undefined;
        return judgeS3(thrown, url);
      },
      this.#policy,
      signal,
    );
  }
}

async function connect(settings: S3Settings): Promise<S3Client> {
  silenceVersionWarning();
  const config = configOf(settings);
  const client = new S3Client(config);
  try {
    await client.config.region();
    return client;
  } catch {
    // Nobody names a region: any will do for the first request, which is told the right one.
    return new S3Client({ ...config, region: fallbackRegion });
  }
}

function configOf(settings: S3Settings): S3ClientConfig {
  const environment = placeOfXbcloud(process.env);
  const endpoint = settings.endpoint ?? environment.endpoint;
  const region = settings.region ?? environment.region;
  const credentials = keysOfXbcloud(process.env);
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials ? { credentials } : {}),
    forcePathStyle: settings.pathStyle ?? isElsewhere(endpoint, process.env),
    followRegionRedirects: true,
    expectContinueHeader: false,
    // Tried again here, where a range goes on from where it broke.
    maxAttempts: 1,
    // Trailers and unasked-for checksums are what stores that are like S3 stumble over.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: settings.timeoutMs,
      httpAgent: { maxSockets: Infinity },
      httpsAgent: {
        maxSockets: Infinity,
        rejectUnauthorized: settings.verifyTls,
        ...certificates(settings.caFile),
      },
    },
  };
}

function certificates(caFile = process.env['AWS_CA_BUNDLE']): { ca?: string[] } {
  if (caFile === undefined) return {};
  try {
    return { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] };
  } catch (error) {
    throw toBackupError(error, 'usage');
  }
}

/** The SDK says on standard error which Node it wants next year. */
function silenceVersionWarning(): void {
  Object.assign(process.env, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' });
}
