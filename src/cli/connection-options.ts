import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import { BackupError, toBackupError } from '../errors.ts';
import type { Access, TlsMode } from '../server/session.ts';
import { parseCount } from './parse-values.ts';

/** Options of the connection, named as the server's own tools name them. */
export interface ConnectionValues {
  user?: string;
  password?: string | true;
  passwordFile?: string;
  host?: string;
  port?: number;
  socket?: string;
  sslMode?: string;
  sslCa?: string;
  sslCert?: string;
  sslKey?: string;
}

const usualSockets = ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock'];
const tlsModes: Record<string, TlsMode> = {
  DISABLED: 'disabled',
  PREFERRED: 'preferred',
  REQUIRED: 'required',
  VERIFY_CA: 'verify-ca',
  VERIFY_IDENTITY: 'verify-identity',
};

export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup('Connection:')
    .option('-u, --user <name>', 'account; default: the name of the system user')
    .option(
      '-p, --password [password]',
      'password; better in --password-file, [client] or MYSQL_PWD',
    )
    .option('--password-file <file>', 'read the password from the first line of a file')
    .option(
      '-h, --host <name>',
      'connect over TCP; the data directory must be readable here all the same',
    )
    .option('-P, --port <number>', 'TCP port (default: 3306)', parseCount)
    .option('-S, --socket <path>', 'Unix socket; default: the usual places')
    .addOption(
      new Option('--ssl-mode <mode>', 'TLS over TCP (default: PREFERRED)').choices(
        Object.keys(tlsModes),
      ),
    )
    .option('--ssl-ca <file>', 'certificates to trust')
    .option('--ssl-cert <file>', 'client certificate')
    .option('--ssl-key <file>', 'key of the client certificate');
}

/** How to reach the server. A socket is used unless a host other than localhost is named. */
export function accessOf(values: ConnectionValues): Access {
  const overTcp = values.host !== undefined && values.host !== 'localhost';
  const { sslCa: ca, sslCert: cert, sslKey: key } = values;
  return {
    user: values.user ?? userInfo().username,
    password: passwordOf(values),
    ...(overTcp
      ? { host: values.host, port: values.port ?? 3306 }
      : { socket: values.socket ?? usualSocket() }),
    tls: {
      mode: tlsModes[values.sslMode ?? (overTcp ? 'PREFERRED' : 'DISABLED')] ?? 'preferred',
      ca,
      cert,
      key,
    },
  };
}

function usualSocket(): string {
  const found = usualSockets.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new BackupError('access', `no server socket at ${usualSockets.join(', ')}`, {
    hint: 'name the socket with --socket, or a host with --host',
  });
}

function passwordOf({ password, passwordFile }: ConnectionValues): string | undefined {
  if (passwordFile !== undefined) {
    try {
      return readFileSync(passwordFile, 'utf8').split(/\r?\n/, 1)[0];
    } catch (error) {
      throw toBackupError(error, 'usage');
    }
  }
  if (password === true) {
    throw new BackupError('usage', '--password without a value: there is no prompt here', {
      hint: 'use --password-file, the [client] group of an option file, or MYSQL_PWD',
    });
  }
  return password ?? process.env['MYSQL_PWD'];
}
