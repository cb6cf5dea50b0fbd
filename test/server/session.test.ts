import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { accessOf, type ConnectionValues } from '../../src/cli/connection-options.ts';
import { BackupError, type FailureCode } from '../../src/errors.ts';
import { Session, type TlsMode } from '../../src/server/session.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Keys and certificates: `ca` signs the others; `other` is a stranger. */
function makeCertificates(): (name: string) => string {
  const dir = scratchDir('tls');
  const file = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const ca of ['ca', 'other']) {
    const subject = ['-subj', `/CN=${ca} of a test`, '-days', '2'];
    openssl('req', '-x509', ...curve, ...subject, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  const names = {
    server: 'subjectAltName=DNS:localhost',
    // A name that lies is the certificate of another host.
    elsewhere: 'subjectAltName=DNS:elsewhere.example',
    client: '',
  };
  for (const name of ['server', 'elsewhere', 'client'] as const) {
    openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', 'csr');
    writeFileSync(file('ext'), names[name]);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    const rest = ['-days', '2', '-extfile', 'ext', '-out', `${name}.pem`];
    openssl('x509', '-req', '-in', 'csr', ...signer, ...rest);
  }
  return file;
}

const account = { user: 'backup', password: 'right' };

/** Name of the cipher of a new connection with these options; empty without TLS. */
async function cipherOf(values: ConnectionValues): Promise<string> {
  const session = await Session.open(accessOf(values));
  const status = await session.map("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
  await session.close();
  return status.get('Ssl_cipher') ?? '';
}

async function refused(
  values: ConnectionValues,
  message: RegExp,
  code: FailureCode = 'access',
): Promise<void> {
  await assert.rejects(
    cipherOf(values),
    (error) => error instanceof BackupError && error.code === code && message.test(error.message),
  );
}

describe('a connection to a server with TLS', () => {
  let server: TestServer;
  let file: (name: string) => string;
  let tcp: ConnectionValues;

  before(async () => {
    file = makeCertificates();
    const tls = ['ca', 'cert', 'key'].map((part) => {
      const name = { ca: 'ca.pem', cert: 'server.pem', key: 'server.key' }[part] ?? '';
      return `--ssl-${part}=${file(name)}`;
    });
    server = await startServer({ name: 'tls', tcp: true, options: tls });
    for (const host of ['127.0.0.1', 'localhost']) {
      await server.query(`CREATE USER IF NOT EXISTS backup@'${host}' IDENTIFIED BY 'right'`);
      await server.query(`CREATE USER IF NOT EXISTS strict@'${host}' REQUIRE X509`);
    }
    tcp = { ...account, host: '127.0.0.1', port: server.port ?? 0 };
  });

  it('goes over the socket without TLS unless that is asked for', async () => {
    const local = { ...account, socket: server.socket };
    assert.equal(await cipherOf(local), '');
    // As in the server's own tools, this host means the socket.
    assert.equal(await cipherOf({ ...local, host: 'localhost' }), '');
    assert.notEqual(await cipherOf({ ...local, sslMode: 'REQUIRED' }), '');
  });

  it('uses TLS over TCP unless it is disabled', async () => {
    assert.notEqual(await cipherOf(tcp), '');
    assert.notEqual(await cipherOf({ ...tcp, sslMode: 'REQUIRED' }), '');
    assert.equal(await cipherOf({ ...tcp, sslMode: 'DISABLED' }), '');
  });

  it('verifies the certificate when asked to, against the right CA only', async () => {
    const verified = { ...tcp, sslMode: 'VERIFY_CA' };
    assert.notEqual(await cipherOf({ ...verified, sslCa: file('ca.pem') }), '');
    await refused({ ...verified, sslCa: file('other.pem') }, /certificate|signature/u);
    // The CA of the test is none that the system trusts.
    await refused(verified, /certificate/u);
    await refused({ ...verified, sslCa: file('missing') }, /missing: no such file/u, 'usage');
    await refused({ ...verified, sslCa: file('server.key') }, /./u, 'access');
  });

  it('refuses VERIFY_IDENTITY with an address, which no name in a certificate can prove', async () => {
    const values = { ...tcp, sslMode: 'VERIFY_IDENTITY', sslCa: file('ca.pem') };
    await refused(values, /VERIFY_IDENTITY needs the name of the host, not its address/u, 'usage');
  });

  it('shows a client certificate', async () => {
    const strict = { ...tcp, user: 'strict', password: '' };
    await refused(strict, /Access denied/u);
    const certificate = { sslCert: file('client.pem'), sslKey: file('client.key') };
    assert.notEqual(await cipherOf({ ...strict, ...certificate }), '');
  });

  it('verifies the name as well with VERIFY_IDENTITY', async () => {
    const open = async (mode: TlsMode, ca: string): Promise<void> => {
      const { port } = server;
      const tls = { mode, ca: file(ca) };
      const session = await Session.open({ ...account, host: 'localhost', port, tls });
      await session.close();
    };
    await open('verify-identity', 'ca.pem');
    await assert.rejects(open('verify-identity', 'other.pem'), /certificate|signature/u);
    for (const part of ['pem', 'key'])
      copyFileSync(file(`elsewhere.${part}`), file(`server.${part}`));
    await server.query('FLUSH SSL');
    await open('verify-ca', 'ca.pem');
    await assert.rejects(open('verify-identity', 'ca.pem'), /localhost.*elsewhere\.example/su);
  });
});

describe('a connection to a server without TLS', () => {
  let server: TestServer;
  let tcp: ConnectionValues;

  before(async () => {
    server = await startServer({ name: 'plain', tcp: true });
    await server.query("CREATE USER backup@'127.0.0.1' IDENTIFIED BY 'right'");
    tcp = { ...account, host: '127.0.0.1', port: server.port ?? 0 };
  });

  it('does without TLS where it is only preferred', async () => {
    assert.equal(await cipherOf(tcp), '');
    assert.equal(await cipherOf({ ...tcp, sslMode: 'PREFERRED' }), '');
  });

  it('fails where TLS is required', async () => {
    for (const sslMode of ['REQUIRED', 'VERIFY_CA']) {
      await refused(
        { ...tcp, sslMode },
        /cannot connect to the server at 127.0.0.1:\d+ as backup/u,
      );
    }
  });

  it('names place, account and reason when it fails', async () => {
    await refused(
      { ...tcp, password: 'wrong' },
      /:\d+ as backup: Access denied.*ER_ACCESS_DENIED_ERROR/u,
    );
    await refused({ ...tcp, port: 1 }, /at 127\.0\.0\.1:1 as backup: .*ECONNREFUSED/u);
    await refused({ user: 'u', socket: '/missing.sock' }, /at \/missing\.sock as u: .*ENOENT/u);
  });

  it('is told apart from a refused statement and from a lost server', async () => {
    await server.query("CREATE USER nobody@'127.0.0.1'");
    const session = await Session.open(accessOf({ ...tcp, user: 'nobody', password: '' }));
    const code = async (sql: string): Promise<unknown> => {
      const failure = await session.run(sql).catch((error: unknown) => error);
      return failure instanceof BackupError ? failure.code : failure;
    };
    assert.equal(await code('SELECT * FROM mysql.user'), 'access');
    assert.equal(await code('BACKUP STAGE START'), 'access');
    assert.equal(await code('SELEKT 1'), 'failed');
    await server.kill();
    const lost = session.run('SELECT 1');
    await assert.rejects(lost, /lost the server during SELECT 1/u);
  });
});
