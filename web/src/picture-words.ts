/**
 * Why a picture does not show: in a few words for a tile, and in whole sentences.
 *
 * @param error what the server answers instead; undefined while that is not known
 */
export function noPictureWords(
  error: { code?: string; message: string } | undefined,
  mayOperate: boolean,
): [string, string] {
  if (error?.code !== 'FileOutsideRoots') return ['No picture', error?.message ?? 'There is no picture to show.'];
  const remedy = ' To show it, add its folder to PLIMSOLL_SOURCE_ROOTS and start the server anew.';
  return [
    'Outside the source roots',
    `The file lies outside the source roots of this server.${mayOperate ? remedy : ''}`,
  ];
}
