import { parseArgs } from 'node:util';
import { UserError } from '../core/errors.ts';
import type { Role } from './plugin/options.ts';

export const USAGE = `Usage: npm run worker -- --role indexing|embedding

Runs one worker until Ctrl-C or SIGTERM.
  --role indexing   lists folders, reads files, and runs the workflows
  --role embedding   makes vectors, on the device that PLIMSOLL_DEVICE names

It needs MONGODB_URI, and finds Temporal as Temporal's own tools do:
TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, profiles. README.md lists its settings.
`;

/** Parses the role from the command line, or `help`. @throws UserError InvalidUsage */
export function roleArgument(args: string[]): Role | 'help' {
  const { role, help } = parse(args);
  if (help) return 'help';
  if (role === 'indexing' || role === 'embedding') return role;
  throw wrong(
    role === undefined
      ? '--role is required: indexing or embedding.'
      : `--role must be indexing or embedding, not "${role}".`,
  );
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: { role: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    // Keep only the first sentence, which names the wrong argument. The second explains how to escape a dash.
    throw wrong(`${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}.`);
  }
}

const wrong = (what: string) => new UserError('InvalidUsage', `${what} Usage: npm run worker -- --help`);
