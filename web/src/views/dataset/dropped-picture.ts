/** The picture among what was dropped or pasted; undefined if there is none. */
export const pictureIn = (data: DataTransfer | null): File | undefined =>
  [...(data?.files ?? [])].find(({ type }) => type === '' || type.startsWith('image/'));

/** Whether what is dragged over the page is a file. Its type is not told before it is dropped. */
export const holdsFile = (data: DataTransfer | null): boolean => data?.types.includes('Files') ?? false;
