export * from './backup-my-cnf.ts';
export * from './binlog-info.ts';
export * from './checkpoints.ts';
export * from './info.ts';
export { metadataBytesMax, type KeyValue } from './key-values.ts';
export * from './mask-argv.ts';
export * from './names.ts';
