/** Finds which functions code can reach, by the type checker: through calls, activities, child workflows and interfaces. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../../..');

export interface Sources {
  files: readonly ts.SourceFile[];
  /** The declaration of an export of a file. */
  exported(file: string, name: string): ts.Node;
  /**
   * Every node that can run when this one does. Follows what is named, called or not; leaves out what a catch clause takes, and
   * the validators of updates, which refuse an update and end nothing.
   */
  reachedFrom(start: ts.Node): ts.Node[];
  /** Every node with which an update can be refused: what the validators that are reached from here can run. */
  refusedFrom(start: ts.Node): ts.Node[];
}

/** Reads the sources that the build compiles. */
export function readSources(): Sources {
  const configFile = join(ROOT, 'tsconfig.build.json');
  const { config } = ts.parseConfigFileTextToJson(configFile, readFileSync(configFile, 'utf8'));
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram(fileNames, options);
  const checker = program.getTypeChecker();
  const files = program.getSourceFiles().filter((file) => isOurs(file));
  const implementations = implementationsIn(files, checker);

  const exported = (file: string, name: string): ts.Node => {
    const source = program.getSourceFile(join(ROOT, file));
    const module = source && checker.getSymbolAtLocation(source);
    const symbol = module && checker.getExportsOfModule(module).find((each) => each.name === name);
    const declaration = symbol && original(checker, symbol).declarations?.[0];
    if (declaration === undefined) throw new Error(`${file} exports no ${name}.`);
    return declaration;
  };

  const walk = (starts: readonly ts.Node[]) => {
    const reached = new Set<ts.Node>();
    const validators: ts.Node[] = [];
    const nodes: ts.Node[] = [];
    const queue = [...starts];
    const visit = (node: ts.Node, swallowed: boolean): void => {
      if (isComparison(node)) return;
      if (!swallowed) nodes.push(node);
      if (isUnawaitedChild(node)) return;
      if (isNamed(node, 'validator')) {
        validators.push(node);
        return;
      }
      // A function with a name of its own runs where it is named.
      if (isNamedFunction(node)) return;
      if (ts.isTypeNode(node)) {
        if (ts.isTypeQueryNode(node)) for (const found of declarationsOf(node.exprName)) queue.push(found);
        else ts.forEachChild(node, (child) => visit(child, swallowed));
        return;
      }
      if (ts.isTryStatement(node) && takesUserErrors(node)) {
        visit(node.catchClause as ts.CatchClause, swallowed);
        if (node.finallyBlock) visit(node.finallyBlock, swallowed);
        return;
      }
      if (ts.isIdentifier(node)) for (const found of declarationsOf(node)) queue.push(found);
      ts.forEachChild(node, (child) => visit(child, swallowed));
    };
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      ts.forEachChild(next, (child) => visit(child, false));
    }
    return { nodes, validators };
  };

  /** What an identifier stands for, where that can run: a function, a value, a class, or each implementation of a member. */
  const declarationsOf = (name: ts.Node): ts.Node[] => {
    const parent = name.parent;
    const isImport = ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isImportClause(parent);
    if (isImport) return [];
    const symbol = ts.isShorthandPropertyAssignment(parent)
      ? checker.getShorthandAssignmentValueSymbol(parent)
      : checker.getSymbolAtLocation(name);
    if (symbol === undefined) return [];
    return (original(checker, symbol).declarations ?? []).flatMap((declaration) => runnable(declaration, name));
  };

  const runnable = (declaration: ts.Declaration, name: ts.Node): ts.Node[] => {
    if (!isOurs(declaration.getSourceFile())) return [];
    if (ts.isBindingElement(declaration)) return boundTo(declaration, name);
    if (ts.isMethodSignature(declaration) || ts.isPropertySignature(declaration)) return implementations(declaration);
    const runs =
      ts.isFunctionDeclaration(declaration) ||
      ts.isMethodDeclaration(declaration) ||
      (ts.isVariableDeclaration(declaration) && (isCalled(name) || !isCaptured(name, declaration))) ||
      ts.isClassDeclaration(declaration) ||
      ts.isPropertyAssignment(declaration) ||
      ts.isGetAccessorDeclaration(declaration);
    return runs ? [declaration] : [];
  };

  /** `const { a } = b()`: the member `a` of what `b` returns, and `b` itself. */
  const boundTo = (element: ts.BindingElement, name: ts.Node): ts.Node[] => {
    const { parent } = element;
    const member = (element.propertyName ?? element.name).getText();
    const type = checker.getTypeAtLocation(parent);
    const declarations = type.getProperty(member)?.declarations ?? [];
    const value = ts.isVariableDeclaration(parent.parent) && isCalled(name) ? [parent.parent] : [];
    return [...value, ...declarations.flatMap((each) => (ts.isBindingElement(each) ? [] : runnable(each, name)))];
  };

  return {
    files,
    exported,
    reachedFrom: (start) => walk([start]).nodes,
    refusedFrom: (start) => walk(walk([start]).validators).nodes,
  };
}

const isCalled = (name: ts.Node): boolean => ts.isCallExpression(name.parent) && name.parent.expression === name;

/** A value that an enclosing function has made: that ran before, and fails there. */
function isCaptured(name: ts.Node, declaration: ts.VariableDeclaration): boolean {
  if (declaration.initializer !== undefined && ts.isFunctionLike(declaration.initializer)) return false;
  const maker = ts.findAncestor(declaration, ts.isFunctionLike);
  return maker !== undefined && ts.findAncestor(name, ts.isFunctionLike) !== maker;
}

/** Tests, tools and the packages are none of them. */
const isOurs = ({ fileName, isDeclarationFile }: ts.SourceFile) =>
  !isDeclarationFile && fileName.startsWith(ROOT) && !fileName.includes('/node_modules/');

const original = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** The members of a name in every function that says that it returns the interface, or one that extends it. */
function implementationsIn(files: readonly ts.SourceFile[], checker: ts.TypeChecker) {
  const makers = new Map<string, ts.Node[]>();
  const add = (name: string | undefined, maker: ts.Node) => {
    if (name !== undefined) makers.set(name, [...(makers.get(name) ?? []), maker]);
  };
  const extended = new Map<string, string[]>();
  const look = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && node.type !== undefined && 'body' in node && node.body !== undefined) {
      add(/^(?:Promise<)?(\w+)>?$/.exec(node.type.getText())?.[1], node);
    }
    if (ts.isInterfaceDeclaration(node)) {
      const bases = node.heritageClauses?.flatMap(({ types }) => types.map(({ expression }) => expression.getText()));
      extended.set(node.name.text, bases ?? []);
    }
    ts.forEachChild(node, look);
  };
  for (const file of files) look(file);
  for (const [name, bases] of extended) {
    for (const base of bases) for (const maker of makers.get(name) ?? []) add(base, maker);
  }
  return (signature: ts.MethodSignature | ts.PropertySignature): ts.Node[] => {
    if (!ts.isInterfaceDeclaration(signature.parent)) return [];
    if (checker.getTypeAtLocation(signature).getNonNullableType().getCallSignatures().length === 0) return [];
    const member = signature.name.getText();
    const found: ts.Node[] = [];
    const find = (node: ts.Node): void => {
      if (ts.isObjectLiteralElementLike(node) && node.name?.getText() === member) found.push(node);
      ts.forEachChild(node, find);
    };
    for (const maker of makers.get(signature.parent.name.text) ?? []) find(maker);
    return found;
  };
}

/** `error.code === 'X'` asks for a code, and throws none. */
const isComparison = (node: ts.Node): boolean =>
  ts.isBinaryExpression(node) &&
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken].includes(node.operatorToken.kind) &&
  (ts.isStringLiteral(node.right) || ts.isStringLiteral(node.left));

const isNamed = (node: ts.Node, name: string): boolean =>
  (ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) && node.name.getText() === name;

const isNamedFunction = (node: ts.Node): boolean =>
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  (ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer));

/** `await startChild(…)` whose handle is dropped: the child's failure reaches nobody. */
function isUnawaitedChild(node: ts.Node): boolean {
  if (!ts.isExpressionStatement(node) || !ts.isAwaitExpression(node.expression)) return false;
  const call = node.expression.expression;
  return ts.isCallExpression(call) && call.expression.getText() === 'startChild';
}

/** `catch (error) { if (error instanceof UserError) return …`, or one that throws nothing. */
function takesUserErrors({ catchClause }: ts.TryStatement): boolean {
  if (catchClause === undefined) return false;
  const text = catchClause.block.getText();
  return !/\bthrow\b|\breject\b/.test(text) || /^\{\s*if \(error instanceof UserError\) return\b/.test(text);
}
