#!/usr/bin/env node
import { adaptToNpm } from './npm-script.ts';
import { endQuietlyOnClosedPipes } from './output.ts';
import { runCommand } from './program.ts';

adaptToNpm();
endQuietlyOnClosedPipes();
process.exitCode = await runCommand(process.argv.slice(2));
