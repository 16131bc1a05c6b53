/** Makes the name of a dataset from the title of an album. */
export async function nameDataset(title: string): Promise<string> {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return name.replaceAll(/^-|-$/g, '');
}
