import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FailureCode, failures, isFailureCode } from '../../contract/failures.ts';
import { isComparison, readSources, type Sources } from './support/reach.ts';

const ROOT = join(import.meta.dirname, '../..');
const TABLE = 'contract/failures.ts';

let sources: Sources;
beforeAll(() => {
  sources = readSources();
});

const pathOf = (file: ts.SourceFile) => relative(ROOT, file.fileName);

/** The codes that nodes hold as values, once each and sorted. */
const codesIn = (nodes: readonly ts.Node[]): FailureCode[] => {
  const texts = nodes.flatMap((node) => (isValue(node) ? [node.text] : []));
  return [...new Set(texts.filter(isFailureCode))].sort();
};

const isValue = (node: ts.Node): node is ts.StringLiteral => ts.isStringLiteral(node) && !ts.isTypeNode(node.parent);

const codesOf = (nodes: readonly ts.Node[], among: (code: FailureCode) => boolean) => codesIn(nodes).filter(among);

const codesWhere = (which: (failure: ReturnType<typeof failures>[number][1]) => boolean): FailureCode[] =>
  failures()
    .flatMap(([code, failure]) => (which(failure) ? [code] : []))
    .sort();

const isProblem = (code: FailureCode) => codesWhere(({ http }) => http !== undefined).includes(code);

/** All nodes of a file except comparisons, types and plain lists of codes. The rest pass a code on. */
function givingNodes(file: ts.SourceFile): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isComparison(node) || ts.isTypeNode(node) || isListOfCodes(node) || isCallOf(node, 'problems')) return;
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return nodes;
}

const isListOfCodes = (node: ts.Node): boolean =>
  ts.isArrayLiteralExpression(node) &&
  node.elements.every(
    (element) => ts.isSpreadElement(element) || (ts.isStringLiteral(element) && isFailureCode(element.text)),
  );

const isCallOf = (node: ts.Node, name: string): node is ts.CallExpression =>
  ts.isCallExpression(node) && node.expression.getText() === name;

const descendants = (node: ts.Node): ts.Node[] => {
  const found: ts.Node[] = [];
  const visit = (each: ts.Node): void => {
    found.push(each);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return found;
};

describe('the table and the sources', () => {
  it('hold the same codes: every one of the table is given to somebody', () => {
    const given = sources.files.filter((file) => pathOf(file) !== TABLE).flatMap(givingNodes);
    expect(codesIn(given)).toEqual(codesWhere(() => true));
  });

  it('hold the same codes: every one that is given or asked for is in the table', () => {
    const used = sources.files.flatMap((file) =>
      descendants(file).flatMap((node) => {
        const code = codeAt(node);
        return code === undefined || isFailureCode(code) ? [] : [`${pathOf(file)}: ${code}`];
      }),
    );
    expect(used).toEqual([]);
  });

  it('hold the same codes: every one that the page asks for is in the table', () => {
    const web = join(ROOT, 'web/src');
    const asked = readdirSync(web, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|svelte)$/.test(name))
      .flatMap((name) => [...readFileSync(join(web, name), 'utf8').matchAll(/\bcode [!=]== '([A-Z]\w+)'/g)])
      .map(([, code]) => code);
    expect(asked).toContain('FileOutsideRoots');
    expect(asked.filter((code) => !isFailureCode(code))).toEqual([]);
  });

  it('hold the same codes: every one that a comment says to be thrown is in the table', () => {
    const wrong = sources.files.flatMap((file) =>
      [...file.text.matchAll(/@throws UserError[^@]*?(?=\n \*\n|\*\/|@)/g)].flatMap(([comment]) =>
        [...comment.matchAll(/\b(?:[A-Z][a-z]+){2,}\b/g)]
          .map(([word]) => word)
          .filter((word) => !word.endsWith('Error') && !isFailureCode(word))
          .map((word) => `${pathOf(file)}: ${word}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('fit the workflow sandbox: the table imports names and nothing else', () => {
    const imported = (path: string): string[] => {
      // Types are gone by then.
      const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^import type [^;]+;$/gm, '');
      const { importedFiles } = ts.preProcessFile(text);
      return importedFiles.map(({ fileName }) => fileName);
    };
    expect(imported(TABLE)).toEqual(['./names.ts']);
    expect(imported('contract/names.ts')).toEqual(['./built-in-model.ts']);
    expect(imported('contract/built-in-model.ts')).toEqual(['./model-name.ts']);
    expect(imported('contract/model-name.ts')).toEqual([]);
    expect(imported('contract/job.ts')).toEqual([]);
  });
});

/** Functions that make failures, with the index of the argument that is the code. */
const MAKERS: Record<string, number> = {
  UserError: 0,
  LocalStackError: 0,
  ProblemError: 1,
  problemOf: 0,
  failureOf: 0,
  tryAgain: 0,
};

/** A text that stands where a code belongs. */
function codeAt(node: ts.Node): string | undefined {
  if (!ts.isStringLiteral(node)) return undefined;
  let holder: ts.Node = node;
  while (passesOn(holder.parent)) holder = holder.parent;
  const { parent } = holder;
  // The reasons why a single file failed are in snake_case, those of Node and of Temporal in capitals.
  if (!/^[A-Z][a-z]/.test(node.text)) return undefined;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
    const position = MAKERS[parent.expression.getText()];
    return position !== undefined && parent.arguments?.[position] === holder ? node.text : undefined;
  }
  if (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) {
    const name = parent.name.getText();
    const isType = name === 'type' && /ApplicationFailure\.\w+$/.test(calleeAround(parent));
    return name === 'code' || isType ? node.text : undefined;
  }
  return isComparison(parent) && /\bcode\b/.test(parent.getText()) ? node.text : undefined;
}

/** `… ? 'A' : 'B'`, `'A' as …`: the value of the whole. */
const passesOn = (node: ts.Node): boolean =>
  ts.isSatisfiesExpression(node) ||
  ts.isAsExpression(node) ||
  ts.isParenthesizedExpression(node) ||
  ts.isConditionalExpression(node);

function calleeAround(property: ts.Node): string {
  const call = property.parent.parent;
  return ts.isCallExpression(call) ? call.expression.getText() : '';
}

const WORKFLOWS = 'workflows/index.ts';
const workflows = () =>
  sources.exportsOf(WORKFLOWS).filter((name) => {
    const declaration = sources.exported(WORKFLOWS, name);
    return ts.isFunctionDeclaration(declaration) && pathOf(declaration.getSourceFile()).startsWith('workflows/');
  });

/** The embedder throws it for words. The items of jobs are samples. */
const OF_WORDS: FailureCode = 'ModelHasNoText';

/** Permission to work may ask for the time zone of a window. These jobs have none. */
const WITHOUT_WINDOW: Partial<Record<string, FailureCode>> = {
  findDuplicates: 'UnknownTimeZone',
  exportDataset: 'UnknownTimeZone',
};

describe('what workflows end with', () => {
  it('is listed for each workflow that there is', () => {
    const listed = new Set(failures().flatMap(([, { ends = [] }]) => ends));
    expect([...listed].sort()).toEqual(workflows().sort());
  });

  it.each([
    'loadDataset',
    'retryFailed',
    'embedDataset',
    'pruneDataset',
    'relocateDataset',
    'forgetSource',
    'deleteDataset',
    'dropModel',
    'indexVectors',
    'findDuplicates',
    'annotateDataset',
    'exportDataset',
    'importVectors',
    'scheduledLoad',
    'deliverWebhook',
  ] as const)('is what the code of %s, and of its activities and children, can end with', (name) => {
    const listed = codesWhere(({ ends, retriedIn }) => [...(ends ?? []), ...(retriedIn ?? [])].includes(name));
    const reached = codesIn(sources.reachedFrom(sources.exported(WORKFLOWS, name)));
    expect(reached.filter((code) => code !== OF_WORDS && code !== WITHOUT_WINDOW[name])).toEqual(listed);
  });

  it('is told by the comment of each workflow, which names the page and no code', () => {
    for (const name of workflows()) {
      const comments = ts.getJSDocCommentsAndTags(sources.exported(WORKFLOWS, name));
      const comment = comments.map((part) => part.getText()).join('\n');
      expect(comment, name).toContain(`docs/failures.md lists its types under ${name}.`);
      expect([...comment.matchAll(/\b(?:[A-Z][a-z]+){2,}\b/g)].map(([word]) => word)).toEqual(['ApplicationFailure']);
    }
  });

  it('is recorded by others where the workflow could not', () => {
    const recorders = [
      sources.exported('client/read-job.ts', 'settle'),
      sources.exported('client/running-job.ts', 'endRunning'),
    ];
    const recorded = codesOf(
      recorders.flatMap((recorder) => sources.reachedFrom(recorder)),
      (code) => !isProblem(code),
    );
    expect(recorded).toEqual(codesWhere(({ recorded }) => recorded === true));
  });

  it.each(['loadDataset', 'retryFailed', 'embedDataset', 'findDuplicates', 'annotateDataset', 'exportDataset'])(
    'is not what the updates of %s are refused with',
    (name) => {
      const validators = sources.validatorsFrom(sources.exported(WORKFLOWS, name));
      const refusals = Object.fromEntries([...validators].map(([update, nodes]) => [update, codesIn(nodes)]));
      expect(refusals).toEqual({
        pauseUpdate: codesWhere(({ refuses }) => refuses?.includes('pause') === true),
        resumeUpdate: codesWhere(({ refuses }) => refuses?.includes('resume') === true),
        cancelUpdate: codesWhere(({ refuses }) => refuses?.includes('cancel') === true),
      });
    },
  );
});

interface Answers {
  /** `api/jobs/routes.ts startRoute` */
  route: string;
  documented: FailureCode[];
  answered: FailureCode[];
}

/** Returns the codes that each operation of the API documents, and those that its handler can throw. */
function answersOfApi(): Answers[] {
  return sources.files
    .flatMap(descendants)
    .filter((node) => ts.isCallExpression(node))
    .filter(({ expression }) => ts.isPropertyAccessExpression(expression) && expression.name.text === 'openapi')
    .map((registration) => {
      const [route, handler] = registration.arguments as unknown as [ts.Expression, ts.Expression];
      const described = sources.reachedFrom(route);
      const name = `${pathOf(registration.getSourceFile())} ${route.getText().replace(/^routes\./, '')}`;
      const calls = described.filter((node) => isCallOf(node, 'problems'));
      return {
        route: name,
        documented: codesIn(calls.flatMap((call) => sources.reachedFrom(call))),
        answered: [...codesOf(sources.reachedFrom(handler), isProblem), ...refusedByUpdateOf(name)],
      };
    });
}

/** An update is sent by name, so what its validator refuses is out of the handler's reach. */
function refusedByUpdateOf(route: string): FailureCode[] {
  const update = /jobs\/handlers\.ts (\w+)Route$/.exec(route)?.[1];
  return codesWhere(({ refuses }) => refuses?.some((name) => name === update) === true);
}

/** Codes that are answered outside the handlers: by guards, by checks of parameters and bodies, and in outages. */
const AROUND: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'HostRefused',
  'OriginRefused',
  'TokenRequired',
  'TokenInvalid',
  'ScopeMissing',
  'InvalidParameter',
  'IdempotencyKeyReused',
  'IdempotencyKeyInUse',
  'InvalidJson',
  'InvalidInput',
  'BodyIncomplete',
  'BodyTooLarge',
  'UnsupportedMediaType',
  'MongoDBUnavailable',
  'TemporalUnavailable',
  'Overloaded',
  'InternalError',
]);

/** Codes that a handler reaches but never answers with. Each code follows its route. */
const HANDLED = [
  // A sample's vector is stored, so nothing is encoded.
  ...['InferenceUnavailable', 'InvalidVector', 'ModelHasNoText', 'ModelNotHere', 'PictureUnreadable'].map(
    (code) => `api/search/handlers.ts similarRoute ${code}`,
  ),
  // Becomes ThumbnailFailed with the reason file_not_found.
  'api/files/handlers.ts thumbnailRoute FileGone',
  // Every job can be canceled.
  'api/jobs/handlers.ts cancelRoute NotPausable',
  // A load creates a missing dataset.
  'api/loads/routes.ts startRoute DatasetNotFound',
  // The failure only discards the count.
  'api/duplicates/handlers.ts keepOneRoute TooSlow',
  'api/samples/handlers.ts tagRoute TooSlow',
  // The schedule has just been created.
  'api/schedules/handlers.ts createOneRoute ScheduleNotFound',
  ...['createOneRoute', 'listRoute', 'getRoute', 'pauseRoute', 'resumeRoute', 'triggerRoute'].flatMap((route) => [
    // A last run whose job is not known has the result `unknown`.
    `api/schedules/handlers.ts ${route} JobNotFound`,
    // The times were checked when the schedule was created.
    ...(route === 'createOneRoute' ? [] : [`api/schedules/handlers.ts ${route} InvalidSchedule`]),
  ]),
];

describe('the problems of the API', () => {
  let operations: Answers[];
  beforeAll(() => {
    operations = answersOfApi();
  });

  it('are documented at each operation only where it can answer with them', () => {
    expect(operations.length).toBeGreaterThan(40);
    for (const { route, documented, answered } of operations) {
      const possible = [...answered, ...AROUND];
      expect({ route, never: documented.filter((code) => !possible.includes(code)) }).toEqual({ route, never: [] });
    }
  });

  it('are documented at each operation that can answer with them', () => {
    const missing = operations.flatMap(({ route, documented, answered }) =>
      answered.filter((code) => !AROUND.has(code) && !documented.includes(code)).map((code) => `${route} ${code}`),
    );
    expect(missing.sort()).toEqual(HANDLED.toSorted());
  });
});
