/** The folder that a path lies in. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;
const DRIVE = /^[a-z]:/i;

/**
 * The full paths that a name in a file of annotations may mean, likeliest first. A backslash is a character of a name on
 * Linux, and a separator on Windows. The paths are compared with those of samples and never opened.
 *
 * @param folder the folder that relative names count from
 */
export function pathsOf(folder: string, name: string): string[] {
  const names = name.includes('\\') ? [name, name.replaceAll('\\', '/')] : [name];
  return names.flatMap((spelling) => {
    if (SCHEME.test(spelling)) return [spelling];
    if (DRIVE.test(spelling)) return [];
    return [resolved(spelling.startsWith('/') ? [''] : folder.split('/'), spelling)];
  });
}

function resolved(from: readonly string[], name: string): string {
  const parts = [...from];
  // The root of a disk is one part, and that of a bucket (`s3://bucket`) three.
  const root = parts[0] === '' ? 1 : 3;
  for (const part of name.split('/')) {
    if (part === '..') {
      if (parts.length > root) parts.pop();
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
