import { Argument, type Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { pageLink } from '../page-link.ts';

const KINDS = ['page', 'api', 'token', 'mongodb', 'temporal', 'temporal-page'] as const;
type Kind = (typeof KINDS)[number];

export function addAddressCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('address')
    .summary('print what other programs need to reach the servers')
    .description(
      'Prints one address, with the token or the password that belongs to it: for a script, a notebook, a browser or your own worker.',
    )
    .addArgument(new Argument('<what>', 'which of them').choices(KINDS))
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
page           the page, as a link that signs you in
api            the HTTP API, without the token
token          the token of the HTTP API
mongodb        the connection string of MongoDB, with its password
temporal       host and port of Temporal's server
temporal-page  Temporal's web page

With --json: {"what", "address"}.

Examples:
  plimsoll address page
  export MONGODB_URI=$(plimsoll address mongodb)
  curl -H "Authorization: Bearer $(plimsoll address token)" \\
    $(plimsoll address api)/datasets`,
    )
    .action(async (what: Kind, options: CommonOptions) => end(await print(what, options)));
}

async function print(what: Kind, options: CommonOptions): Promise<number> {
  const [{ locate }, { UserError }] = await Promise.all([import('../servers.ts'), import('../../core/errors.ts')]);
  const { apiUrl, apiToken, mongodb, temporal, uiUrl } = await locate({ dataDir: options.data });
  const known: Record<Kind, string | undefined> = {
    page: apiUrl && pageLink(apiUrl, apiToken),
    api: apiUrl && `${apiUrl}/api`,
    token: apiToken,
    mongodb: mongodb?.uri,
    temporal: temporal?.address,
    'temporal-page': uiUrl,
  };
  const address = known[what];
  if (address === undefined)
    throw new UserError(
      'NoServers',
      `No ${what} is known here. "plimsoll up" starts one, and "plimsoll doctor" says more.`,
    );
  createOutput(options).result({ what, address }, () => [address]);
  return EXIT.ok;
}
