import { shellWord } from '../../core/shell-word.ts';
import { LocalStackError } from '../../local/errors.ts';
import { PortsTakenError } from '../../local/ports.ts';

/**
 * Adds to an error of taken ports the command that avoids them: the one that was given, with ports that are free.
 * @param args the command line, without the command's own name
 */
export function withOtherPorts(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof PortsTakenError)) return error;
  const flags = error.taken.map(({ flag }) => flag);
  const kept = args.filter(
    (word, n) => !flags.some((flag) => word === flag || word.startsWith(`${flag}=`) || args[n - 1] === flag),
  );
  const added = error.taken.flatMap(({ flag, free }) => [flag, String(free)]);
  const command = ['plimsoll', ...kept, ...added].map(shellWord).join(' ');
  return new LocalStackError('PortTaken', `${error.message}\nThis avoids it: ${command}`, { cause: error });
}
