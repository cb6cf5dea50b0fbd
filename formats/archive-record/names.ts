/** First member of an archive written by xbpipe. */
export const beginName = 'xbpipe_begin.json';
/** Last member but one: where every chunk of every member lies. */
export const indexName = 'xbpipe_index.json';
/** True for the index, which may be compressed and encrypted as other members are. */
export const isIndexName = (path: string): boolean =>
  /^xbpipe_index\.json(\.zst|\.lz4)?(\.xbcrypt)?$/.test(path);
/** Last member, of fixed length: its presence says that the archive is whole. */
export const endName = 'xbpipe_end.json';
/** Version of the three records; a reader refuses any other. */
export const recordFormat = 1;
