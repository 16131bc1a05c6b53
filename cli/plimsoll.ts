#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../core/cache-folder.ts';

// Compiling the modules of Temporal and MongoDB is half of a command's time. The imports below then use the cache.
const { directory } = enableCompileCache(join(cacheFolder(process.env), 'compiled'));
// The processes that a command starts use it too.
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

const [{ adaptToNpm }, { endQuietlyOnClosedPipes }, { runCommand }] = await Promise.all([
  import('./npm-script.ts'),
  import('./output.ts'),
  import('./program.ts'),
]);
adaptToNpm();
endQuietlyOnClosedPipes();
process.exitCode = await runCommand(process.argv.slice(2));
