// What happens on a source server while it is backed up.

export { startDdl, type Ddl, type DdlOptions, type DdlStats } from './ddl.ts';
export { currentLsn, startLoad, type Load, type LoadOptions, type LoadStats } from './load.ts';
export { redoFilesConsumed, redoTurns } from './redo-turns.ts';
export { createSchema, type LoadTable, type SchemaOptions } from './schema.ts';
