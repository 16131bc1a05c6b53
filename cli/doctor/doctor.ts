import { type InferenceSettings, settingsFromEnvironment } from '../../inference/settings.ts';
import { environmentFor } from '../../local/environment.ts';
import { EXIT } from '../exit-code.ts';
import { createOutput, type Output } from '../output.ts';
import { type Located, locate } from '../servers.ts';
import type { Paint } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import { wrapWords } from '../terminal/wrap-words.ts';
import { type Check, type CheckState, problem, type Setting } from './check.ts';
import { checkApi } from './check-api.ts';
import { checkBinaries } from './check-binaries.ts';
import { checkCuda } from './check-cuda.ts';
import { checkCache, checkDevice, checkModels, checkNode } from './check-machine.ts';
import { checkMongodb } from './check-mongodb.ts';
import { checkSearch } from './check-search.ts';
import { checkTemporal } from './check-temporal.ts';
import { settingsOf } from './settings.ts';

/** Least columns for the text beside a name. */
const NARROWEST = 30;

/** Runs all checks and shows what they found. Returns the exit code. */
export async function doctor(options: { dataDir?: string | undefined; json?: boolean | undefined }): Promise<number> {
  const output = createOutput(options);
  const { env } = process;
  const located = await locate({ dataDir: options.dataDir });
  const inference = inferenceSettings(env);
  const groups = await Promise.all([
    [checkNode()],
    mongodbChecks(located),
    checkSearch(env, located.mongodb?.uri),
    temporalChecks(located),
    located.apiUrl === undefined ? [] : checkApi(located.apiUrl).then((check) => [check]),
    'settings' in inference
      ? Promise.all([checkDevice(inference.settings), checkModels(inference.settings, env)]).then((checks) =>
          checks.flat(),
        )
      : [inference.problem],
    checkCuda('settings' in inference && asksForCuda(inference.settings), env),
    checkCache(env).then((check) => [check]),
    checkBinaries(env),
  ]);
  const checks = groups.flat();
  const settings = settingsOf(located, 'settings' in inference ? inference.settings : undefined, {
    env,
    flags: { dataDir: options.dataDir },
  });
  const healthy = checks.every(({ state }) => state !== 'problem');
  output.result({ healthy, settings, checks }, () => reportLines(settings, checks, output));
  return healthy ? EXIT.ok : EXIT.failed;
}

function mongodbChecks({ mongodb }: Located): Promise<Check[]> | Check[] {
  if (mongodb !== undefined) return checkMongodb(mongodb.uri);
  return [
    problem('MongoDB', 'none is known', 'Start the local stack: plimsoll up. Or set MONGODB_URI to a replica set.'),
  ];
}

function temporalChecks({ temporal, mongodb, env, dataDir }: Located): Promise<Check[]> | Check[] {
  if (temporal === undefined)
    return [
      problem('Temporal', 'none is known', 'Start the local stack: plimsoll up. Or set TEMPORAL_ADDRESS to a server.'),
    ];
  const clientEnv = environmentFor(env, {
    dataDir,
    mongodbUri: mongodb?.uri ?? '',
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    external: { mongodbUri: undefined, temporal: temporal.external },
  });
  return checkTemporal(clientEnv, temporal.address, temporal.namespace);
}

function inferenceSettings(env: NodeJS.ProcessEnv): { settings: InferenceSettings } | { problem: Check } {
  try {
    return { settings: settingsFromEnvironment(env) };
  } catch (error) {
    return { problem: problem('Device', (error as Error).message, 'Correct the variable, or unset it.') };
  }
}

/** `auto` does without. */
const asksForCuda = ({ devices }: InferenceSettings) =>
  devices !== 'auto' && devices.some(({ type }) => type === 'cuda');

function reportLines(
  settings: readonly Setting[],
  checks: readonly Check[],
  { paint, width }: Pick<Output, 'paint' | 'width'>,
): string[] {
  const marks: Record<CheckState, string> = {
    ok: paint.green('✔'),
    warning: paint.yellow('!'),
    problem: paint.red('✖'),
  };
  const nameWidth = Math.max(...[...settings, ...checks].map(({ name }) => name.length)) + 2;
  const margin = ' '.repeat(2 + nameWidth);
  const wrap = (text: string) => wrapWords(printable(text), Math.max(NARROWEST, width - margin.length));
  const settingLines = settings.flatMap(({ name, value, source }) => {
    const lead = `  ${name.padEnd(nameWidth)}`;
    if (value === null) return `${lead}${paint.dim('not set')}`;
    const [shown, from] = [printable(value), `(${printable(source)})`];
    const fits = margin.length + shown.length + 1 + from.length <= width;
    return fits ? `${lead}${shown} ${paint.dim(from)}` : [`${lead}${shown}`, `${margin}${paint.dim(from)}`];
  });
  const checkLines = checks.flatMap(({ name, state, found, advice }) => {
    const [first = '', ...more] = wrap(found);
    return [
      `${marks[state]} ${name.padEnd(nameWidth)}${first}`,
      ...more.map((line) => `${margin}${line}`),
      ...(advice === null ? [] : wrap(advice).map((line) => `${margin}${paint.dim(line)}`)),
    ];
  });
  return [paint.bold('Settings'), ...settingLines, '', paint.bold('Found'), ...checkLines, '', verdict(checks, paint)];
}

function verdict(checks: readonly Check[], paint: Paint): string {
  const of = (state: CheckState) => checks.filter((check) => check.state === state).length;
  const [problems, warnings] = [of('problem'), of('warning')];
  const said = [
    ...(problems > 0 ? [paint.red(`${problems} ${problems === 1 ? 'problem' : 'problems'}`)] : []),
    ...(warnings > 0 ? [paint.yellow(`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`)] : []),
  ];
  return said.length === 0 ? paint.green('All is well.') : `${said.join(', ')}.`;
}
