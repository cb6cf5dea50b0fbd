import { crc32 } from '../../formats/crc.ts';
import type { Encoding } from '../transform/encoding.ts';
import { memberEncoder } from '../transform/member-encoder.ts';
import type { MemberInfo, MemberWriter, Members } from './member-store.ts';

/** Read by scripts and tools that have no key: plain in every backup. */
const alwaysPlain = /(^|\/)(xtrabackup|mariadb_backup)_checkpoints$|\.meta$/;

/** Encodes the members that are not copied by the copy threads: redo, metadata, logs. */
export class EncodedMembers implements Members {
  readonly #store: Members;
  readonly #encoding: Encoding;

  constructor(store: Members, encoding: Encoding) {
    this.#store = store;
    this.#encoding = encoding;
  }

  open(info: MemberInfo): MemberWriter {
    const { path, packed = false } = info;
    const encoder = alwaysPlain.test(path) ? undefined : memberEncoder(this.#encoding, { packed });
    if (!encoder) return this.#store.open(info);
    const member = this.#store.open({ ...info, path: path + encoder.suffix });
    let plainSize = 0;
    const put = async (bytes: Uint8Array): Promise<void> => {
      if (bytes.length > 0) await member.write(bytes, crc32(bytes));
    };
    return {
      write: async (payload) => {
        plainSize += payload.length;
        await put(encoder.encode(payload));
      },
      close: async () => {
        if (plainSize === 0) await put(encoder.encodeNothing());
        await member.close(plainSize);
      },
    };
  }
}
