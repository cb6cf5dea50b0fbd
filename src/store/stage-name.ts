/**
 * The directory in a target that holds everything until it is proved whole. Not a hidden one: MySQL
 * finds no tablespace below one.
 */
export const stageName = 'xbpipe-partial';
