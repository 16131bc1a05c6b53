/**
 * The address of the page with the token that signs its reader in. The part behind # stays in the browser: it is in no
 * request, no log of a proxy, and no Referer header.
 */
export const pageLink = (url: string, token: string | undefined): string =>
  token === undefined ? url : `${url}/#token=${token}`;
