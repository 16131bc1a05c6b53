import type { OpenApiDocument } from '../document.ts';

export interface KnownOperation {
  /** `GET` */
  method: string;
  takesQuery: boolean;
  takesBody: boolean;
}

const METHODS = ['get', 'post', 'put', 'delete'] as const;

interface Described {
  parameters?: { in: string }[];
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
      };
    }),
  }));
  return (path) => known.filter(({ pattern }) => pattern.test(path)).flatMap(({ operations }) => operations);
}
