/** The chunk format of xbstream archives; described in xbstream.md. */
export * from './chunk.ts';
export * from './chunk-decoder.ts';
export * from './chunk-event.ts';
export { pathBytesMax } from './path.ts';
