#!/usr/bin/env node
import { behaveAsCalled } from './npm-script.ts';
import { endQuietlyOnClosedPipes } from './output.ts';
import { runCommand } from './program.ts';

behaveAsCalled();
endQuietlyOnClosedPipes();
process.exitCode = await runCommand(process.argv.slice(2));
