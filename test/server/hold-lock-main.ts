// A process that takes the first lock of a backup, says so, and keeps it for as long as it runs.

import { InstanceLock } from '../../src/server/mysql/instance-lock.ts';
import { BackupStages } from '../../src/server/mariadb/backup-stages.ts';
import type { Access } from '../../src/server/session.ts';

const [flavour, socket = '', silentSeconds] = process.argv.slice(2);
const access: Access = { user: 'root', socket, tls: { mode: 'disabled' } };
const options = { lockTimeoutSeconds: 60, silentSecondsMax: Number(silentSeconds) };
if (flavour === 'mysql') await (await InstanceLock.open(access, options)).lockInstance();
else await (await BackupStages.open(access, options)).reach('BLOCK_DDL');
process.stdout.write('held\n');
setInterval(() => undefined, 1000);
