import { Ajv2020 } from 'ajv/dist/2020.js';
import type { OpenApiDocument } from '../../../api/document.ts';

/** An answer that fits the document. */
export interface Checked {
  status: number;
  headers: Headers;
  /** The body as JSON; undefined if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the document promises, which was checked.
  json: any;
  bytes: Uint8Array;
  /** The operation, as `GET /api/datasets/{dataset}`; undefined for an address that the document does not have. */
  operation: string | undefined;
  response: Response;
}

export interface Operation {
  method: string;
  path: string;
  operationId?: string;
  parameters?: { name: string; in: string; required?: boolean; schema?: unknown }[];
  requestBody?: { required?: boolean };
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>;
  security?: unknown[];
}

const METHODS = ['get', 'post', 'put', 'delete'];

export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, object>)[method];
      return operation === undefined ? [] : [{ ...(operation as Operation), method: method.toUpperCase(), path }];
    }),
  );
}

/** Statuses that an address outside the document may answer with a problem. */
const UNDESCRIBED = new Set([404, 405, 401, 403, 400, 413, 415]);

/**
 * Checks answers: the operation documents the status, the status documents the body's type, and a JSON body fits its
 * schema. An address that the document lacks must be answered with a problem or with the page. A fault of the API
 * always fails.
 */
export function checker(
  document: OpenApiDocument,
): (method: string, path: string, response: Response) => Promise<Checked> {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, 'api');
  const operations = operationsOf(document).map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  const validatorOf = (pointer: string) => ajv.getSchema(`api#${pointer}`) ?? ajv.compile({ $ref: `api#${pointer}` });

  return async function check(method, path, response) {
    const { pathname } = new URL(`http://localhost${path}`);
    const known = operations.find(
      ({ operation, pattern }) => operation.method === (method === 'HEAD' ? 'GET' : method) && pattern.test(pathname),
    );
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const streamed = type === 'text/event-stream';
    const bytes = streamed ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
    const json = /json$/.test(type) && bytes.length > 0 ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
    const what = `${method} ${path}: ${response.status} ${type} ${json === undefined ? '' : JSON.stringify(json).slice(0, 500)}`;
    if (response.status === 500) throw new Error(`A fault of the server's. ${what}`);
    if (response.headers.get('x-content-type-options') !== 'nosniff') throw new Error(`No security headers. ${what}`);
    const operation = known && `${known.operation.method} ${known.operation.path}`;
    if (known === undefined) {
      const isPage = type === 'text/html' && response.status === 404 && !pathname.startsWith('/api/');
      if (
        response.status >= 400 &&
        !isPage &&
        (!UNDESCRIBED.has(response.status) || type !== 'application/problem+json')
      )
        throw new Error(`An address without a description. ${what}`);
      return { status: response.status, headers: response.headers, json, bytes, operation, response };
    }
    const documented = known.operation.responses[response.status];
    if (documented === undefined) throw new Error(`A status that is not documented. ${what}`);
    const types = Object.keys(documented.content ?? {});
    const fits = types.find((one) => one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))));
    if (bytes.length > 0 && fits === undefined) throw new Error(`A type that is not documented. ${what}`);
    if (json !== undefined && fits !== undefined) {
      const escaped = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
      const pointer = `/paths/${escaped(known.operation.path)}/${known.operation.method.toLowerCase()}/responses/${response.status}/content/${escaped(fits)}/schema`;
      const validate = validatorOf(pointer);
      if (!(await validate(json))) throw new Error(`Not as documented: ${ajv.errorsText(validate.errors)}. ${what}`);
    }
    if (response.status === 503 && !response.headers.has('retry-after')) throw new Error(`No Retry-After. ${what}`);
    return { status: response.status, headers: response.headers, json, bytes, operation, response };
  };
}
