import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import mysql, {
  type Connection,
  type ConnectionOptions,
  type RowDataPacket,
  type SslOptions,
} from 'mysql2/promise';
import { BackupError, hasCode, toBackupError } from '../errors.ts';

export type TlsMode = 'disabled' | 'preferred' | 'required' | 'verify-ca' | 'verify-identity';

/** TLS of a connection; `ca`, `cert` and `key` are paths of PEM files. */
export interface Tls {
  mode: TlsMode;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** How to reach the server; plain data, so that it can be handed to a worker thread. */
export interface Access {
  user: string;
  password?: string | undefined;
  socket?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  tls: Tls;
}

/** Milliseconds until an unanswered connection attempt is given up. */
const connectTimeoutMs = 10_000;

/** Each server reads its own comment as part of the statement and skips the other's. */
const noTimeouts =
  'SET SESSION wait_timeout = 2147483 ' +
  '/*M!100100 , max_statement_time = 0 */ /*!50708 , max_execution_time = 0 */';

/** Error numbers of the server that mean "who are you" or "you may not". */
const deniedErrors = new Set([1044, 1045, 1142, 1227, 1698, 3118, 4151]);
const lockErrors = new Set([1205, 1213, 3572]);

/** One connection. It never times out while idle, and its errors carry the failure's code. */
export class Session {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async open(access: Access): Promise<Session> {
    let connection: Connection;
    try {
      connection = await connect(access);
    } catch (error) {
      if (error instanceof BackupError) throw error;
      const place = access.socket ?? `${access.host ?? 'localhost'}:${access.port ?? 3306}`;
      throw new BackupError(
        'access',
        `cannot connect to the server at ${place} as ${access.user}: ${reason(error)}`,
        { cause: error, hint: 'see --socket, --host, --port, --user, --password-file and --ssl-*' },
      );
    }
    // A dying server must fail the next query, not the process.
    connection.on('error', () => undefined);
    const session = new Session(connection);
    await session.run(noTimeouts);
    return session;
  }

  async run(sql: string): Promise<void> {
    await this.rows(sql);
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    try {
      const [rows] = await this.#connection.query<RowDataPacket[]>(sql);
      return rows;
    } catch (error) {
      throw queryFailure(sql, error);
    }
  }

  /** `SHOW VARIABLES` and `SHOW STATUS` answers as a map. */
  async map(sql: string): Promise<Map<string, string>> {
    const rows = await this.rows(sql);
    return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
  }

  /** Ends the connection politely. Never throws. */
  async close(): Promise<void> {
    await this.#connection.end().catch(() => undefined);
  }

  /** Cuts the connection, whatever it is waiting for; the server drops its locks. */
  destroy(): void {
    this.#connection.destroy();
  }
}

/** `preferred` means: with TLS if the server can, without it if the server says that it cannot. */
async function connect(access: Access): Promise<Connection> {
  try {
    return await mysql.createConnection(connectionOptions(access));
  } catch (error) {
    const { mode } = access.tls;
    if (mode !== 'preferred' || !hasCode(error, 'HANDSHAKE_NO_SSL_SUPPORT')) throw error;
    const plain: Access = { ...access, tls: { mode: 'disabled' } };
    return await mysql.createConnection(connectionOptions(plain));
  }
}

function connectionOptions(access: Access): ConnectionOptions {
  const { user, password, socket, host = 'localhost', port = 3306, tls } = access;
  // The library would compare the certificate with "localhost" then.
  if (tls.mode === 'verify-identity' && isIP(host) !== 0) {
    throw new BackupError('usage', 'VERIFY_IDENTITY needs the name of the host, not its address');
  }
  return {
    user,
    ...(password === undefined ? {} : { password }),
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    ...(tls.mode === 'disabled' ? {} : { ssl: tlsOptions(tls) }),
    connectTimeout: connectTimeoutMs,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  };
}

function tlsOptions({ mode, ca, cert, key }: Tls): SslOptions {
  const file = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw toBackupError(error, 'usage');
    }
  };
  return {
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-identity',
    verifyIdentity: mode === 'verify-identity',
    ...(ca === undefined ? {} : { ca: file(ca) }),
    ...(cert === undefined ? {} : { cert: file(cert) }),
    ...(key === undefined ? {} : { key: file(key) }),
  };
}

function queryFailure(sql: string, error: unknown): BackupError {
  const number = errorNumber(error);
  const message = `${sql}: ${reason(error)}`;
  if (number !== undefined && deniedErrors.has(number)) {
    return new BackupError('access', message, { cause: error });
  }
  if (number !== undefined && lockErrors.has(number)) {
    return new BackupError('lock', message, {
      cause: error,
      hint: 'a long statement or LOCK TABLES holds it up; see SHOW PROCESSLIST and --lock-ddl-timeout',
    });
  }
  if (number === undefined) {
    return new BackupError('access', `lost the server during ${message}`, { cause: error });
  }
  return new BackupError('failed', message, { cause: error });
}

function errorNumber(error: unknown): number | undefined {
  return error instanceof Error &&
    'errno' in error &&
    typeof error.errno === 'number' &&
    error.errno > 0
    ? error.errno
    : undefined;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (error.message === '') return code ?? error.name;
  return code === undefined || error.message.includes(code)
    ? error.message
    : `${error.message} (${code})`;
}
