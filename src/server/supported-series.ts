import { BackupError } from '../errors.ts';
import { isMariadb } from './flavour.ts';
import { parseSeries } from './series.ts';

const supportedMariadb = 'MariaDB 10.11.8 and later of 10.11, MariaDB 11.1.5 and later';
export const supportedMysql = 'MySQL and Percona Server 8.0.30 and later (8.0, 8.4, 9.x)';
export const supportedServers = `${supportedMariadb}; ${supportedMysql}`;

type Series = [major: number, minor: number, patch: number];

/** [major, minor, patch] of a supported version, or an error that says what is supported. */
export function supportedSeries(version: string): Series {
  const series = parseSeries(version);
  if (series && (isMariadb(version) ? isMariadbSupported(series) : isMysqlSupported(series))) {
    return series;
  }
  throw new BackupError('failed', `server version ${version} is not supported`, {
    hint: `supported: ${supportedServers}`,
  });
}

/** The first release of each series in which BACKUP STAGE copies as described; later series have it. */
const firstReleases: Record<string, number> = { '10.11': 8, '11.1': 5, '11.2': 4, '11.4': 2 };

function isMariadbSupported([major, minor, patch]: Series): boolean {
  const first = firstReleases[`${major}.${minor}`];
  const knownSeries = first !== undefined || major > 11 || (major === 11 && minor >= 3);
  return knownSeries && patch >= (first ?? 0);
}

/** Since 8.0.30 the redo log is what it is today; whether it still is, its header says. */
function isMysqlSupported([major, minor, patch]: Series): boolean {
  return major > 8 || (major === 8 && (minor > 0 || patch >= 30));
}
