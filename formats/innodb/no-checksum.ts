/** In the place of a checksum: the page was written without one (`innodb_checksum_algorithm=none`). */
export const noChecksumMagic = 0xdead_beef;
