type Environment = Record<string, string | undefined>;

/** Endpoint and region as xbcloud's variables give them. */
export function placeOfXbcloud(env: Environment): {
  endpoint: string | undefined;
  region: string | undefined;
} {
  return {
    endpoint: env['S3_ENDPOINT'] ?? env['AWS_ENDPOINT'] ?? env['ENDPOINT'],
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? env['DEFAULT_REGION'],
  };
}

/** True when the store is not Amazon's, by an option or by the environment. */
export function isElsewhere(endpoint: string | undefined, env: Environment): boolean {
  const sdk = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  return (endpoint ?? placeOfXbcloud(env).endpoint ?? sdk) !== undefined;
}

/** Keys in variables that only xbcloud reads: `S3_*` come before everything else, bare names last. */
export function keysOfXbcloud(
  env: Environment,
): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined {
  return keys(env, 'S3_') ?? (hasOthers(env) ? undefined : keys(env, ''));
}

function keys(env: Environment, prefix: string): ReturnType<typeof keysOfXbcloud> {
  const accessKeyId = env[`${prefix}ACCESS_KEY_ID`];
  const secretAccessKey = env[`${prefix}SECRET_ACCESS_KEY`];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = env[`${prefix}SESSION_TOKEN`];
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function hasOthers(env: Environment): boolean {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'];
  return names.some((name) => env[name] !== undefined);
}
