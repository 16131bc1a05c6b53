import type { OpenApiDocument } from '../document.ts';
import { IDEMPOTENCY_KEY } from '../schemas/parameters.ts';

export interface KnownOperation {
  /** `GET` */
  method: string;
  takesQuery: boolean;
  takesBody: boolean;
  /** Whether it starts something, and so takes an `Idempotency-Key`. */
  takesKey: boolean;
}

/** Finds the operation of a request; undefined if there is none. */
export type FindOperation = (request: { method: string; path: string }) => KnownOperation | undefined;

/** @param document is asked at the first request, because it is made from the routes */
export function operationFinder(document: () => OpenApiDocument): FindOperation {
  let find: ReturnType<typeof readOperations> | undefined;
  return ({ method, path }) => {
    find ??= readOperations(document());
    const wanted = method === 'HEAD' ? 'GET' : method;
    return find(path).find((operation) => operation.method === wanted);
  };
}

const METHODS = ['get', 'post', 'put', 'delete'] as const;

interface Described {
  parameters?: { in: string; name: string }[];
  requestBody?: unknown;
}

/** The operations of a document by path. Returns a function that finds those of a request's path. */
export function readOperations(document: OpenApiDocument): (path: string) => KnownOperation[] {
  const known = Object.entries(document.paths ?? {}).map(([path, item]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    operations: METHODS.filter((method) => method in item).map((method) => {
      const { parameters = [], requestBody } = (item as Record<string, Described>)[method] ?? {};
      return {
        method: method.toUpperCase(),
        takesQuery: parameters.some((parameter) => parameter.in === 'query'),
        takesBody: requestBody !== undefined,
        takesKey: parameters.some((parameter) => parameter.in === 'header' && parameter.name === IDEMPOTENCY_KEY),
      };
    }),
  }));
  return (path) => known.filter(({ pattern }) => pattern.test(path)).flatMap(({ operations }) => operations);
}
