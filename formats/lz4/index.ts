export * from './decoder.ts';
export * from './encode-frame.ts';
export {
  frameFlags,
  frameHeader,
  frameMagic,
  legacyMagic,
  shortFrameHeader,
  skippableMagic,
} from './frame-header.ts';
export { blockCodes, lz4BlockBytesDefault, lz4BlockBytesMax } from './limits.ts';
