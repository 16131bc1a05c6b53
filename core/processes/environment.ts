/** The variables that a process needs. One that reads untrusted files gets no others. */
const NEEDED =
  /^(?:PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SystemRoot|LD_\w+|DYLD_\w+|XDG_\w+|FONTCONFIG_\w+|NODE_COMPILE_CACHE)$/i;

/** The environment for a process that reads untrusted files: it has no secrets. */
export const withoutSecrets = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => NEEDED.test(name)));
