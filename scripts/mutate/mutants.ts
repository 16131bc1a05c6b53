/** Creates the mutants of a source file: small changes, each of which a test should detect. */
import ts from 'typescript';

export interface Mutant {
  /** Relative to the checkout, with forward slashes. */
  file: string;
  line: number;
  column: number;
  /** The replaced range, as offsets into the text. */
  start: number;
  end: number;
  replacement: string;
  /** Description for people and for the list of equivalent mutants: `a < b → a <= b`. */
  change: string;
  /** The line of code in which the change begins. */
  code: string;
}

/**
 * `guards`: code that refuses, skips or ends early: `if`, `throw`, checking calls, and the conditions of MongoDB
 * queries. `all`: the usual mutants of operators, literals and statements as well.
 */
export type MutantSet = 'guards' | 'all';

type Edit = (place: ts.Node | { start: number; end: number }, replacement: string) => void;

export function mutantsOf(file: string, text: string, set: MutantSet): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const lines = text.split('\n');
  const mutants = new Map<string, Mutant>();

  const add: Edit = (place, replacement) => {
    const [start, end] = 'kind' in place ? [place.getStart(source), place.end] : [place.start, place.end];
    const { line, character } = source.getLineAndCharacterOfPosition(start);
    const change = `${inLine(text.slice(start, end))} → ${inLine(replacement) || '(removed)'}`;
    const code = lines[line] ?? '';
    const key = `${start} ${end} ${replacement}`;
    if (!mutants.has(key))
      mutants.set(key, { file, line: line + 1, column: character + 1, start, end, replacement, change, code });
  };

  const visit = (node: ts.Node): void => {
    if (holdsNoCode(node)) return;
    addGuards(node, add);
    addFilters(node, source, add);
    if (set === 'all') addUsual(node, source, add);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...mutants.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}

export function mutated(text: string, { start, end, replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function holdsNoCode(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isModuleDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

const CHECKS = /^(throwIfAborted|assert|check|refuse|require)(?![a-z])/;

function addGuards(node: ts.Node, add: Edit): void {
  if (ts.isIfStatement(node)) {
    add(node.expression, 'false');
    add(node.expression, 'true');
    addOperands(node.expression, add);
  } else if (ts.isThrowStatement(node) && !isAllOfAnIf(node)) {
    add(node, ';');
  } else if (ts.isExpressionStatement(node) && CHECKS.test(calledName(node.expression) ?? '')) {
    add(node, ';');
  }
}

/** Whether removing `if (c) throw e` equals `if (false)`, which is a mutant already. */
function isAllOfAnIf(node: ts.Statement): boolean {
  const statement = ts.isBlock(node.parent) && node.parent.statements.length === 1 ? node.parent : node;
  return ts.isIfStatement(statement.parent) && statement.parent.thenStatement === statement;
}

function addOperands(node: ts.Node, add: Edit): void {
  if (ts.isParenthesizedExpression(node)) addOperands(node.expression, add);
  if (!ts.isBinaryExpression(node)) return;
  const operator = node.operatorToken.kind;
  if (operator !== ts.SyntaxKind.AmpersandAmpersandToken && operator !== ts.SyntaxKind.BarBarToken) return;
  add(node, node.left.getText());
  add(node, node.right.getText());
  addOperands(node.left, add);
  addOperands(node.right, add);
}

const QUERIES =
  /^(find|findOne|findOneAndUpdate|findOneAndReplace|findOneAndDelete|updateOne|updateMany|replaceOne|deleteOne|deleteMany|countDocuments)$/;

/** Mutants that omit one condition of a query each. */
function addFilters(node: ts.Node, source: ts.SourceFile, add: Edit): void {
  if (ts.isCallExpression(node)) {
    const name = calledName(node) ?? '';
    const filter = QUERIES.test(name) ? node.arguments[0] : name === 'distinct' ? node.arguments[1] : undefined;
    if (filter) addConditions(filter, source, add);
  } else if (ts.isPropertyAssignment(node)) {
    if (/^(filter|\$match|\$elemMatch)$/.test(node.name.getText(source))) addConditions(node.initializer, source, add);
  } else if (ts.isVariableDeclaration(node) && node.initializer) {
    const named = `${node.name.getText(source)} ${node.type?.getText(source) ?? ''}`;
    if (/filter\b|\bFilter</i.test(named)) addConditions(node.initializer, source, add);
  }
}

function addConditions(node: ts.Expression, source: ts.SourceFile, add: Edit): void {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    addConditions(node.expression, source, add);
  } else if (ts.isArrayLiteralExpression(node)) {
    for (const element of node.elements) {
      addConditions(element, source, add);
      if (node.elements.length > 1) add(withComma(element, source), '');
    }
  } else if (ts.isObjectLiteralExpression(node)) {
    for (const property of node.properties) {
      const isLoneOperator = node.properties.length === 1 && property.name?.getText(source).startsWith('$');
      if (!isLoneOperator) add(withComma(property, source), '');
      if (ts.isPropertyAssignment(property)) addConditions(property.initializer, source, add);
    }
  }
}

function withComma(node: ts.Node, source: ts.SourceFile): { start: number; end: number } {
  const comma = /^\s*,/.exec(source.text.slice(node.end))?.[0].length ?? 0;
  return { start: node.getStart(source), end: node.end + comma };
}

const { SyntaxKind } = ts;

const OPERATORS = new Map<ts.SyntaxKind, readonly string[]>([
  [SyntaxKind.LessThanToken, ['<=', '>=']],
  [SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [SyntaxKind.PlusToken, ['-']],
  [SyntaxKind.MinusToken, ['+']],
  [SyntaxKind.AsteriskToken, ['/']],
  [SyntaxKind.SlashToken, ['*']],
  [SyntaxKind.PercentToken, ['*']],
  [SyntaxKind.AsteriskAsteriskToken, ['*']],
  [SyntaxKind.AmpersandToken, ['|']],
  [SyntaxKind.BarToken, ['&']],
  [SyntaxKind.CaretToken, ['&']],
  [SyntaxKind.LessThanLessThanToken, ['>>']],
  [SyntaxKind.GreaterThanGreaterThanToken, ['<<']],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, ['<<']],
  [SyntaxKind.PlusEqualsToken, ['-=']],
  [SyntaxKind.MinusEqualsToken, ['+=']],
  [SyntaxKind.AsteriskEqualsToken, ['/=']],
  [SyntaxKind.SlashEqualsToken, ['*=']],
]);

/** Replacements of methods. An empty string removes the call. */
const METHODS: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
  filter: '',
  sort: '',
  toSorted: '',
  reverse: '',
  trim: '',
  slice: '',
  subarray: '',
};

function addUsual(node: ts.Node, source: ts.SourceFile, add: Edit): void {
  if (ts.isBinaryExpression(node)) addBinary(node, source, add);
  else if (ts.isPrefixUnaryExpression(node)) addUnary(node, add);
  else if (ts.isPostfixUnaryExpression(node))
    add(node, `${node.operand.getText()}${node.operator === SyntaxKind.PlusPlusToken ? '--' : '++'}`);
  else if (ts.isConditionalExpression(node)) {
    add(node.condition, 'true');
    add(node.condition, 'false');
  } else if (ts.isWhileStatement(node)) add(node.expression, 'false');
  else if (ts.isForStatement(node) && node.condition) add(node.condition, 'false');
  else if (ts.isExpressionStatement(node)) add(node, ';');
  else if (ts.isArrayLiteralExpression(node)) {
    if (node.elements.length > 0) add(node, '[]');
  } else if (ts.isCallExpression(node)) addMethod(node, source, add);
  else addLiteral(node, add);
}

function addBinary(node: ts.BinaryExpression, source: ts.SourceFile, add: Edit): void {
  const { left, operatorToken, right } = node;
  switch (operatorToken.kind) {
    case SyntaxKind.AmpersandAmpersandToken:
    case SyntaxKind.BarBarToken:
    case SyntaxKind.QuestionQuestionToken:
      add(node, left.getText(source));
      add(node, right.getText(source));
      return;
    case SyntaxKind.PlusToken:
      if (isText(left) || isText(right)) return;
  }
  for (const operator of OPERATORS.get(operatorToken.kind) ?? []) {
    add(node, `${left.getText(source)} ${operator} ${right.getText(source)}`);
  }
}

function isText(node: ts.Expression): boolean {
  if (ts.isBinaryExpression(node)) return isText(node.left) || isText(node.right);
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

function addUnary(node: ts.PrefixUnaryExpression, add: Edit): void {
  const other =
    node.operator === SyntaxKind.PlusPlusToken ? '--' : node.operator === SyntaxKind.MinusMinusToken ? '++' : '';
  add(node, `${other}${node.operand.getText()}`);
}

function addMethod(node: ts.CallExpression, source: ts.SourceFile, add: Edit): void {
  const { expression } = node;
  if (!ts.isPropertyAccessExpression(expression)) return;
  const name = expression.name.text;
  if (!Object.hasOwn(METHODS, name)) return;
  const other = METHODS[name];
  const of = expression.expression.getText(source);
  const dot = expression.questionDotToken ? '?.' : '.';
  const given = source.text.slice(expression.end, node.end);
  add(node, other === '' ? of : `${of}${dot}${other}${given}`);
}

function addLiteral(node: ts.Node, add: Edit): void {
  if (node.kind === SyntaxKind.TrueKeyword) add(node, 'false');
  else if (node.kind === SyntaxKind.FalseKeyword) add(node, 'true');
  else if (ts.isNumericLiteral(node)) add(node, String(Number(node.text.replaceAll('_', '')) + 1));
  else if (ts.isRegularExpressionLiteral(node)) addAnchors(node, add);
  else if (ts.isStringLiteralLike(node)) {
    if (isPropertyName(node) || isProse(node.text)) return;
    add(node, node.text === '' ? "'mutated'" : "''");
  } else if (ts.isTemplateExpression(node)) {
    const parts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
    if (!parts.some(isProse)) add(node, "''");
  } else if (
    (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) &&
    node.questionDotToken !== undefined
  ) {
    const [text, at] = [node.getText(), node.questionDotToken.getStart() - node.getStart()];
    const dot = ts.isPropertyAccessExpression(node) ? '.' : '';
    add(node, `${text.slice(0, at)}${dot}${text.slice(at + 2)}`);
  }
}

/** Texts for people are not mutated, because no test has to pin them. */
const isProse = (text: string) => text.trim().includes(' ');

function isPropertyName(node: ts.StringLiteralLike): boolean {
  return ts.isPropertyAssignment(node.parent) && node.parent.name === node;
}

function addAnchors(node: ts.RegularExpressionLiteral, add: Edit): void {
  const [, body = '', flags = ''] = /^\/(.*)\/(\w*)$/s.exec(node.text) ?? [];
  if (body.startsWith('^')) add(node, `/${body.slice(1)}/${flags}`);
  if (body.endsWith('$') && !body.endsWith('\\$')) add(node, `/${body.slice(0, -1)}/${flags}`);
}

/** The called name, `find` in `store.samples.find(…)`, also after `await`. */
function calledName(node: ts.Expression): string | undefined {
  if (ts.isAwaitExpression(node)) return calledName(node.expression);
  if (!ts.isCallExpression(node)) return undefined;
  const called = node.expression;
  if (ts.isIdentifier(called)) return called.text;
  return ts.isPropertyAccessExpression(called) ? called.name.text : undefined;
}

const LONGEST = 90;

function inLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
