import { parseSeries } from '../../server/series.ts';
import type { ServerInfo } from '../../server/server-info.ts';
import type { RedoState } from '../course.ts';
import type { LastRestore } from './last-restore.ts';
import type { Parent } from './parent.ts';
import { unfitParent } from './unfit-parent.ts';

/** The server as it is now. */
export interface Descendant {
  info: ServerInfo;
  redo: RedoState;
  lastRestore: LastRestore;
  /** When redo logging was off since the parent was begun, as the server words it; undefined: never. */
  redoGap: string | undefined;
}

/**
 * Refuses a parent that the server has not gone on from: pages that changed in another life of
 * it, or without redo, are not found by their LSNs. @throws BackupError chain
 */
export function checkLineage(parent: Parent, server: Descendant): void {
  const why = otherServer(parent, server) ?? otherPast(parent, server);
  if (why !== undefined) throw unfitParent(parent.name, why.why, why);
}

interface Fault {
  why: string;
  hint?: string;
}

function otherServer(parent: Parent, { info }: Descendant): Fault | undefined {
  const { flavour, pageSize, serverVersion, serverId } = parent;
  if (flavour !== undefined && flavour !== info.flavour) {
    return { why: `it is of ${flavour}, and the server is ${info.flavour}` };
  }
  if (pageSize !== undefined && pageSize !== info.pageSize) {
    return { why: `its pages have ${pageSize} bytes, those of the server ${info.pageSize}` };
  }
  if (serverVersion !== undefined && isOlder(info.series, serverVersion)) {
    return {
      why: `it is of version ${serverVersion}, and the server is the older ${info.version}`,
    };
  }
  if (serverId === undefined || info.identity === undefined || serverId === info.identity) {
    return undefined;
  }
  const why = `it is of server ${serverId}, and this one is ${info.identity}`;
  if (info.flavour === 'mysql') return { why };
  // Nothing that MariaDB keeps in its data directory tells it from another server.
  return { why, hint: `take a full backup; ${uidHint}` };
}

const uidHint =
  'MariaDB makes its server_uid of its port and the network card of its host, so one that moved ' +
  'is another server too';

function otherPast(
  { backupId, lastLsn, redoStart, redoBegan, lastRestore }: Parent,
  server: Descendant,
): Fault | undefined {
  const { currentLsn, checkpointLsn, beganLsn } = server.redo;
  if (lastLsn !== undefined && currentLsn < lastLsn) {
    return {
      why: `it ends at LSN ${lastLsn}, and the server is at ${currentLsn}: it was restored from an older backup, or is another one`,
    };
  }
  if (checkpointLsn < redoStart) {
    return {
      why: `its redo starts at LSN ${redoStart}, past the server's newest checkpoint ${checkpointLsn}`,
    };
  }
  // A log that was only resized begins where the server was then, behind all that the parent has.
  const isRestored = beganLsn !== redoBegan && beganLsn !== undefined && redoBegan !== undefined;
  if (isRestored && lastLsn !== undefined && beganLsn < lastLsn) {
    return {
      why: `the server was restored since: its redo log begins at LSN ${beganLsn}, that of the parent at ${redoBegan}`,
    };
  }
  if (
    wasRestored(lastRestore, server.lastRestore) &&
    server.lastRestore.restoredFrom !== backupId
  ) {
    const { restoredFrom: from, restoredAt: at } = server.lastRestore;
    return { why: `the server was restored since, from the backup ${from} (at ${at})` };
  }
  if (server.redoGap === undefined) return undefined;
  return { why: `redo logging was off since (${server.redoGap}): what changed then is not known` };
}

/** Who removes the file that tells does not restore anything. */
function wasRestored(before: LastRestore | undefined, now: LastRestore): boolean {
  if (!before || now.restoredFrom === undefined) return false;
  return before.restoredFrom !== now.restoredFrom || before.restoredAt !== now.restoredAt;
}

function isOlder(series: readonly number[], serverVersion: string): boolean {
  const before = parseSeries(serverVersion) ?? [];
  const at = series.findIndex((part, index) => part !== before[index]);
  return at >= 0 && (series[at] ?? 0) < (before[at] ?? 0);
}
