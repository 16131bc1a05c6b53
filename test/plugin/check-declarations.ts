/**
 * Checks a file and our declarations with TypeScript 6, as for nodenext: `node check-declarations.ts FILE`. Prints what
 * is wrong. The declarations of other libraries are read, too, but their own errors are not looked for: that would take
 * twice as long, and TypeScript 7 looks for them.
 */
import process from 'node:process';
import ts from 'typescript';

const [file = '', typeRoot = ''] = process.argv.slice(2);
const program = ts.createProgram([file], {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  typeRoots: [typeRoot],
});
const ours = program
  .getSourceFiles()
  .filter(({ fileName }) => fileName.endsWith(file) || fileName.includes('/node_modules/plimsoll/'));
const wrong = [
  ...program.getOptionsDiagnostics(),
  ...program.getGlobalDiagnostics(),
  ...ours.flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]),
];
const host = { getCurrentDirectory: process.cwd, getCanonicalFileName: (name: string) => name, getNewLine: () => '\n' };
process.stdout.write(ts.formatDiagnostics(wrong, host));
process.stderr.write(`${ours.length} files\n`);
