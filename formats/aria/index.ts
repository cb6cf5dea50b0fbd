export {
  baseInfo,
  indexHead,
  indexHeaderBytesMax,
  isOnlineCopyable,
  readIndexHeader,
  type AriaIndexHeader,
} from './index-header.ts';
export { logControl, logFileName, readLogControl, type AriaLogControl } from './log-control.ts';
export {
  createAriaPageCheck,
  describeAriaPageFault,
  type AriaFile,
  type AriaPageCheck,
  type AriaPageFault,
} from './page-crc.ts';
