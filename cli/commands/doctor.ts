import type { Command } from 'commander';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';

export function addDoctorCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('doctor')
    .summary('check settings, servers, workers and programs')
    .description(
      'Shows the settings and where they came from, checks servers, workers and programs, and says what to do about problems.',
    )
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"healthy", "settings": [...], "checks": [...]}.
  setting  name, value (or null),
           source: flag, environment, default, the path of a stack.json, or
           a line of plimsoll.toml
  check    name, state (ok, warning, problem), found, advice (or null)

Exit codes: 0 no problem (there may be warnings), 1 a problem, 2 wrong usage.

Examples:
  plimsoll doctor
  plimsoll doctor --json | jq -r '.checks[] | select(.state != "ok") | .advice'`,
    )
    .action(async (options: CommonOptions) => {
      const { doctor } = await import('../doctor/doctor.ts');
      end(await doctor({ dataDir: options.data, json: options.json }));
    });
}
