/** Says that the files were checked and may have been arranged for the server since, so that a second try may go on from there. */
export const prepareStateName = 'xbpipe_prepare_state';
