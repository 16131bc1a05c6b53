export type CheckState = 'ok' | 'warning' | 'problem';

/** The result of one check. */
export interface Check {
  name: string;
  state: CheckState;
  /** The finding: a version, a path, a number of workers, or what is wrong. */
  found: string;
  /** The remedy; null if nothing is to be done. */
  advice: string | null;
}

export const ok = (name: string, found: string): Check => ({ name, state: 'ok', found, advice: null });
export const warning = (name: string, found: string, advice: string): Check => ({
  name,
  state: 'warning',
  found,
  advice,
});
export const problem = (name: string, found: string, advice: string): Check => ({
  name,
  state: 'problem',
  found,
  advice,
});

/** One setting and where it came from. */
export interface Setting {
  name: string;
  /** Null if it is not set. */
  value: string | null;
  /** `flag`, `environment`, `default`, the path of a stack file, or a line of plimsoll.toml: its path and `:12`. */
  source: string;
}
