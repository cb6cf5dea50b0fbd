import { FormatError } from '../format-error.ts';
import { layout, raw, toSafeNumber, u16be, u32be, u64be, u8 } from '../layout.ts';

/**
 * The head of an Aria index file (`.MAI`): what sort of table it is and how both its files
 * are divided. Only what a copy needs is read: state, keys and columns are left alone.
 * Format: index-header.md.
 */
const headTable = {
  magic: [u32be, '0xfefe0903: Aria index file, version 3'],
  options: [u16be, 'table options; bit 11: pages carry a checksum'],
  headerBytes: [u16be, 'length of everything before the first key page, unpadded'],
  stateBytes: [u16be, 'length of the state that follows'],
  baseBytes: [u16be, 'length of the base info'],
  basePosition: [u16be, 'where the base info begins'],
  keyParts: [u16be, 'key parts of all keys'],
  uniqueKeyParts: [u16be, 'key parts of all unique constraints'],
  keys: [u8, 'number of keys'],
  uniques: [u8, 'number of unique constraints'],
  language: [u8, 'unused'],
  fulltextKeys: [u8, 'number of full-text keys'],
  dataType: [u8, 'how rows are stored: 0 static, 1 dynamic, 2 compressed, 3 block'],
  originalDataType: [u8, 'the same before the table was packed'],
} as const;

/** The base info is longer; it is read as far as `transactional`. */
const baseTable = {
  uuid: [raw(16), 'uuid of the server that made the table, as in aria_log_control'],
  keyStart: [u64be, 'where the first key page begins'],
  limits: [raw(66), 'size limits and column counts, not read'],
  extraOptions: [u16be, 'bit 0: the pages of both files are encrypted'],
  counts: [raw(8), 'key and column counts, not read'],
  blockSize: [u16be, 'bytes in a page of either file'],
  dataPointerBytes: [u8, 'width of a row position'],
  keyPointerBytes: [u8, 'width of a key page position'],
  keys: [u8, 'number of keys'],
  autoIncrementKey: [u8, 'the key of the AUTO_INCREMENT column, from 1; 0 for none'],
  transactional: [u8, '1 when the table is crash-safe'],
} as const;

export const indexHead = layout('index head', headTable);
export const baseInfo = layout('base info', baseTable);

const magic = 0xfefe_0903;
const pageChecksumOption = 1 << 11;
const encryptedOption = 1 << 0;
const dataTypes = ['static', 'dynamic', 'compressed', 'block'] as const;

/** The header is never longer, so this much of a file is always enough for `readIndexHeader`. */
export const indexHeaderBytesMax = 65536;

export interface AriaIndexHeader {
  /** The table is crash-safe: its changes are in the Aria log. */
  readonly transactional: boolean;
  /** Pages of both files carry a CRC. */
  readonly pageChecksum: boolean;
  /** Pages of both files are encrypted, their CRCs made of the plain pages: without the key they prove nothing. */
  readonly encrypted: boolean;
  /** Bytes of a page of the index file, and of the data file of a `block` table. */
  readonly blockSize: number;
  /** Only the data file of a `block` table consists of pages. */
  readonly dataType: (typeof dataTypes)[number];
  /** Where the first page of the index file begins, in bytes; before it there is no CRC. */
  readonly keyStart: number;
}

/**
 * Reads the head of a `.MAI` file. Throws a FormatError: `truncated` when the bytes end
 * before the part that is needed (a few hundred bytes), `invalid` when they are no Aria
 * index, or one that no server could use.
 */
export function readIndexHeader(bytes: Uint8Array): AriaIndexHeader {
  const head = indexHead.decode(bytes);
  if (head.magic !== magic) throw invalid('index head > magic', 0, `0x${head.magic.toString(16)}`);
  const { basePosition, headerBytes } = head;
  if (basePosition < indexHead.size || basePosition + baseInfo.size > headerBytes) {
    const at = indexHead.offset.basePosition;
    throw invalid('index head > basePosition', at, `${basePosition} in ${headerBytes} bytes`);
  }
  const base = baseInfo.decode(bytes, basePosition);
  const { blockSize } = base;
  if (blockSize < 1024 || blockSize > 32768 || (blockSize & (blockSize - 1)) !== 0) {
    throw invalid(
      'base info > blockSize',
      basePosition + baseInfo.offset.blockSize,
      `${blockSize}`,
    );
  }
  const keyStartAt = basePosition + baseInfo.offset.keyStart;
  const keyStart = toSafeNumber(base.keyStart, 'base info > keyStart', keyStartAt);
  if (keyStart % blockSize !== 0 || keyStart < headerBytes) {
    throw invalid('base info > keyStart', keyStartAt, `${keyStart}`);
  }
  const dataType = dataTypes[head.dataType];
  if (dataType === undefined) {
    throw invalid('index head > dataType', indexHead.offset.dataType, `${head.dataType}`);
  }
  return {
    transactional: base.transactional !== 0,
    pageChecksum: (head.options & pageChecksumOption) !== 0,
    encrypted: (base.extraOptions & encryptedOption) !== 0,
    blockSize,
    dataType,
    keyStart,
  };
}

/**
 * Whether the files may be copied while the server writes them: torn pages are found by
 * their CRC and the Aria log mends what changed. Other tables must be copied under a lock.
 */
export function isOnlineCopyable(header: AriaIndexHeader): boolean {
  return header.transactional && header.pageChecksum && !header.encrypted;
}

function invalid(field: string, offset: number, value: string): FormatError {
  return new FormatError('invalid', field, offset, `${value} is not that of an Aria index file`);
}
