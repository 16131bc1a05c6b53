/**
 * Finds which functions code can reach, by the type checker: through calls, activities, child workflows and interfaces.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../../..');

export interface Sources {
  files: readonly ts.SourceFile[];
  /** The names that a file exports values under. */
  exportsOf(file: string): string[];
  /** The declaration of an export of a file. */
  exported(file: string, name: string): ts.Node;
  /**
   * Every text and every call that can run when this node does. Follows every name, called or not. Leaves out errors
   * that a catch clause takes, and the validators of updates, which refuse an update and end nothing.
   */
  reachedFrom(start: ts.Node): ts.Node[];
  /**
   * The nodes that each validator of an update reached from here can run, by the name of the update's definition.
   */
  validatorsFrom(start: ts.Node): Map<string, ts.Node[]>;
}

interface Step {
  /** Its texts and calls. */
  nodes: ts.Node[];
  named: ts.Node[];
  validators: ts.Node[];
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

  const symbolsOf = (file: string): ts.Symbol[] => {
    const source = program.getSourceFile(join(ROOT, file));
    const module = source && checker.getSymbolAtLocation(source);
    return module === undefined ? [] : checker.getExportsOfModule(module);
  };
  const exportsOf = (file: string): string[] =>
    symbolsOf(file).flatMap((symbol) => (original(checker, symbol).flags & ts.SymbolFlags.Value ? [symbol.name] : []));
  const exported = (file: string, name: string): ts.Node => {
    const symbol = symbolsOf(file).find((each) => each.name === name);
    const declaration = symbol && original(checker, symbol).declarations?.[0];
    if (declaration === undefined) throw new Error(`${file} exports no ${name}.`);
    return declaration;
  };

  /** The nodes of each declaration and the declarations that it names, the same from wherever it is reached. */
  const steps = new Map<ts.Node, Step>();
  const stepOf = (declaration: ts.Node): Step => {
    const known = steps.get(declaration);
    if (known !== undefined) return known;
    const step: Step = { nodes: [], named: [], validators: [] };
    const visit = (node: ts.Node, swallowed: boolean): void => {
      if (isComparison(node) || (swallowed && ts.isThrowStatement(node))) return;
      if (ts.isStringLiteral(node) || ts.isCallExpression(node)) step.nodes.push(node);
      if (isUnawaitedChild(node)) return;
      if (isNamed(node, 'validator')) {
        step.validators.push(node);
        return;
      }
      // A named function runs where it is named.
      if (isNamedFunction(node)) return;
      if (ts.isTypeQueryNode(node)) {
        step.named.push(...declarationsOf(node.exprName));
        return;
      }
      if (ts.isTryStatement(node) && takesUserErrors(node)) {
        visit(node.tryBlock, true);
        if (node.catchClause) visit(node.catchClause, swallowed);
        if (node.finallyBlock) visit(node.finallyBlock, swallowed);
        return;
      }
      if (ts.isIdentifier(node) && !swallowed && !isInType(node)) step.named.push(...declarationsOf(node));
      ts.forEachChild(node, (child) => visit(child, swallowed));
    };
    if (ts.isIdentifier(declaration) || ts.isPropertyAccessExpression(declaration)) visit(declaration, false);
    else ts.forEachChild(declaration, (child) => visit(child, false));
    steps.set(declaration, step);
    return step;
  };

  const walk = (start: ts.Node): Omit<Step, 'named'> => {
    const reached = new Set([start]);
    const found: Omit<Step, 'named'> = { nodes: [], validators: [] };
    for (const declaration of reached) {
      const { nodes, named, validators } = stepOf(declaration);
      found.nodes.push(...nodes);
      found.validators.push(...validators);
      for (const next of named) reached.add(next);
    }
    return found;
  };

  /**
   * The declarations of an identifier that can run: a function, a value, a class, or each implementation of a member.
   */
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
    exportsOf,
    exported,
    reachedFrom: (start) => walk(start).nodes,
    validatorsFrom: (start) =>
      new Map(walk(start).validators.map((validator) => [updateOf(validator), walk(validator).nodes])),
  };
}

const isCalled = (name: ts.Node): boolean => ts.isCallExpression(name.parent) && name.parent.expression === name;

/** A value that an enclosing function has made. That function ran before, and a failure counts there. */
function isCaptured(name: ts.Node, declaration: ts.VariableDeclaration): boolean {
  if (declaration.initializer !== undefined && ts.isFunctionLike(declaration.initializer)) return false;
  const maker = ts.findAncestor(declaration, ts.isFunctionLike);
  return maker !== undefined && ts.findAncestor(name, ts.isFunctionLike) !== maker;
}

/** Excludes declaration files and packages. The build's sources hold no tests or tools. */
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
export const isComparison = (node: ts.Node): boolean =>
  ts.isBinaryExpression(node) &&
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken].includes(
    node.operatorToken.kind,
  ) &&
  (ts.isStringLiteral(node.right) || ts.isStringLiteral(node.left));

/** `setHandler(pauseUpdate, …, { validator })` */
function updateOf(validator: ts.Node): string {
  const handler = ts.findAncestor(validator, ts.isCallExpression);
  return handler?.arguments[0]?.getText() ?? '';
}

/** A type runs nothing. */
const isInType = (name: ts.Node): boolean => ts.isTypeReferenceNode(name.parent) || ts.isQualifiedName(name.parent);

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
