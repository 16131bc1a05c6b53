import { type Command, Option } from 'commander';
import { jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface TokenOptions {
  scope: 'read' | 'operate';
  json?: boolean;
}

export function addTokenCommand(program: Command, end: (exitCode: number) => void): void {
  const token = program
    .command('token')
    .summary('make tokens for the HTTP API')
    .description('Tokens for the HTTP API.');
  token
    .command('create')
    .summary('make a token, and the line that lets the server know it')
    .description(
      'Makes a token for the HTTP API. It is shown only this once: give it to the caller. The line with its hash goes into PLIMSOLL_API_TOKENS of the server, or into the file that PLIMSOLL_API_TOKENS_FILE names. To revoke the token, remove the line and restart the server.',
    )
    .addOption(
      new Option('--scope <scope>', 'what it may do: read, or also operate')
        .choices(['read', 'operate'])
        .makeOptionMandatory(),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"token", "line", "scope"}.

Examples:
  plimsoll token create --scope read
  plimsoll token create --scope operate --json | jq -r .line >> tokens`,
    )
    .action(async (options: TokenOptions) => end(await create(options)));
}

async function create(options: TokenOptions): Promise<number> {
  const { createToken } = await import('../../core/api-tokens.ts');
  const output = createOutput(options);
  const { token, line } = createToken(options.scope);
  output.result({ token, line, scope: options.scope }, () => [token, line]);
  output.note('The first line is the token; the second goes into PLIMSOLL_API_TOKENS of the server.');
  return 0;
}
