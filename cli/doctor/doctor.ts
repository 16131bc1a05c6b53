import { environmentFor } from '../../local/environment.ts';
import { type InferenceSettings, settingsFromEnvironment } from '../../workers/inference/settings.ts';
import { EXIT } from '../exit-code.ts';
import { createOutput } from '../output.ts';
import type { Paint } from '../paint.ts';
import { printable } from '../printable.ts';
import { type Located, locate } from '../servers.ts';
import { type Check, type CheckState, problem, type Setting } from './check.ts';
import { checkApi } from './check-api.ts';
import { checkBinaries } from './check-binaries.ts';
import { checkCache, checkDevice, checkModels, checkNode } from './check-machine.ts';
import { checkMongodb } from './check-mongodb.ts';
import { checkTemporal } from './check-temporal.ts';
import { settingsOf } from './settings.ts';

/** Looks at everything and says what was found. Returns the exit code. */
export async function doctor(options: { dataDir?: string | undefined; json?: boolean | undefined }): Promise<number> {
  const output = createOutput(options);
  const { env } = process;
  const located = await locate({ dataDir: options.dataDir });
  const inference = inferenceSettings(env);
  const groups = await Promise.all([
    [checkNode()],
    mongodbChecks(located),
    temporalChecks(located),
    located.apiUrl === undefined ? [] : checkApi(located.apiUrl).then((check) => [check]),
    'settings' in inference
      ? Promise.all([checkDevice(inference.settings), checkModels(inference.settings)]).then((checks) => checks.flat())
      : [inference.problem],
    checkCache(env).then((check) => [check]),
    checkBinaries(env),
  ]);
  const checks = groups.flat();
  const settings = settingsOf(located, 'settings' in inference ? inference.settings : undefined, {
    env,
    flags: { dataDir: options.dataDir },
  });
  const healthy = checks.every(({ state }) => state !== 'problem');
  output.result({ healthy, settings, checks }, () => reportLines(settings, checks, output.paint));
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

function reportLines(settings: readonly Setting[], checks: readonly Check[], paint: Paint): string[] {
  const marks: Record<CheckState, string> = {
    ok: paint.green('✔'),
    warning: paint.yellow('!'),
    problem: paint.red('✖'),
  };
  const nameWidth = Math.max(...[...settings, ...checks].map(({ name }) => name.length)) + 2;
  const settingLines = settings.map(
    ({ name, value, source }) =>
      `  ${name.padEnd(nameWidth)}${value === null ? paint.dim('not set') : `${printable(value)} ${paint.dim(`(${printable(source)})`)}`}`,
  );
  const checkLines = checks.flatMap(({ name, state, found, advice }) => [
    `${marks[state]} ${name.padEnd(nameWidth)}${printable(found)}`,
    ...(advice === null ? [] : [`  ${' '.repeat(nameWidth)}${paint.dim(printable(advice))}`]),
  ]);
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
