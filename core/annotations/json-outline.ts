/** The names of keys near the top of a JSON text. */
export interface JsonOutline {
  root: 'object' | 'array' | undefined;
  /** Keys of the root, if it is an object. */
  keys: ReadonlySet<string>;
  /** Keys of the objects in the list under a key of the root, or under the empty key if the root is a list. */
  itemKeys(key: string): ReadonlySet<string>;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;
const NONE: ReadonlySet<string> = new Set();

/** Reads the keys of the start of a JSON text. The text may be cut anywhere, and need not be valid. */
export function outlineOf(text: string): JsonOutline {
  const keys = new Set<string>();
  const items = new Map<string, Set<string>>();
  const open: ('{' | '[')[] = [];
  let root: JsonOutline['root'];
  let rootKey = '';
  let last: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      root ??= token === '{' ? 'object' : 'array';
      open.push(token);
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ':' && last !== undefined && open.at(-1) === '{') {
      const place = open.join('');
      if (place === '{') {
        rootKey = last;
        keys.add(last);
      } else if (place === '{[{' || place === '[{') {
        const key = place === '[{' ? '' : rootKey;
        items.set(key, (items.get(key) ?? new Set()).add(last));
      }
    }
    last = token.startsWith('"') ? token.slice(1, -1) : undefined;
    if (open.length === 0 && root !== undefined) break;
    if (open.length > MAX_DEPTH) break;
  }
  return { root, keys, itemKeys: (key) => items.get(key) ?? NONE };
}

const MAX_DEPTH = 100;
