#!/usr/bin/env node
import { endQuietlyOnClosedPipes } from './output.ts';
import { runCommand } from './program.ts';

endQuietlyOnClosedPipes();
process.exitCode = await runCommand(process.argv.slice(2));
