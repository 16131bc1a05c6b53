/**
 * Why a picture is not shown: in a few words for a tile, and in sentences.
 *
 * @param error the server's error; undefined while it is not known
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
