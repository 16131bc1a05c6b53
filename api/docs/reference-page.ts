import { html, raw } from 'hono/html';
import type { OpenApiDocument } from '../document.ts';
import { PROBLEMS } from '../problem/codes.ts';

interface Operation {
  method: string;
  path: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: unknown }[];
  requestBody?: { content: Record<string, { schema?: unknown }> };
  responses?: Record<string, { description: string; content?: Record<string, { schema?: unknown }> }>;
}

const METHODS = ['get', 'post', 'put', 'delete'];

/** Renders the OpenAPI document as one HTML page: operations by tag, schemas, and problem codes. */
export function referencePage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const tags = document.tags ?? [];
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plimsoll: HTTP API</title>
<link rel="stylesheet" href="/api/docs/styles.css">
</head>
<body>
<header>
<h1>Plimsoll: HTTP API</h1>
<p>${marked(document.info.description ?? '')}</p>
<p>Version ${document.info.version}. For programs: <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
</header>
<nav aria-label="Operations"><ul>${operations.map((operation) => html`<li><a href="#${idOf(operation)}">${operation.summary} <code>${operation.method.toUpperCase()} ${operation.path}</code></a></li>`)}
<li><a href="#schemas">Schemas</a></li><li><a href="#problems">Problems</a></li></ul></nav>
<main>
${tags.map(
  (tag) => html`<h2>${tag.name}</h2>${tag.description ? html`<p>${tag.description}</p>` : ''}
${operations.filter((operation) => operation.tags?.includes(tag.name)).map(section)}`,
)}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components?.schemas ?? {}).map(
  ([name, schema]) =>
    html`<details id="schema-${name}"><summary><code>${name}</code></summary><pre>${JSON.stringify(schema, undefined, 2)}</pre></details>`,
)}
<h2 id="problems">Problems</h2>
<table><thead><tr><th scope="col">code</th><th scope="col">status</th><th scope="col">meaning</th></tr></thead><tbody>
${Object.entries(PROBLEMS).map(
  ([code, { status, meaning }]) =>
    html`<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${marked(meaning)}</td></tr>`,
)}</tbody></table>
</main>
</body>
</html>`);
}

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, unknown>)[method];
      return operation === undefined ? [] : [{ ...(operation as Operation), method, path }];
    }),
  );
}

const idOf = ({ method, path }: Operation) => `${method}${path}`.replaceAll(/[^a-z]+/gi, '-').replace(/-$/, '');

const section = (operation: Operation) => html`<section id="${idOf(operation)}">
<h3>${operation.summary}</h3>
<p class="operation"><code><b>${operation.method.toUpperCase()}</b> ${operation.path}</code></p>
<p>${marked(operation.description ?? '')}</p>
${operation.parameters?.length ? parameters(operation.parameters) : ''}
${operation.requestBody ? html`<p>Body: ${contentOf(operation.requestBody.content)}</p>` : ''}
<table><thead><tr><th scope="col">status</th><th scope="col">answer</th><th scope="col">body</th></tr></thead><tbody>
${Object.entries(operation.responses ?? {}).map(
  ([status, { description, content }]) =>
    html`<tr><td>${status}</td><td>${marked(description)}</td><td>${content ? contentOf(content) : ''}</td></tr>`,
)}</tbody></table>
</section>`;

const parameters = (
  list: NonNullable<Operation['parameters']>,
) => html`<table><thead><tr><th scope="col">parameter</th><th scope="col">in</th><th scope="col">type</th><th scope="col">meaning</th></tr></thead><tbody>
${list.map(
  ({ name, in: place, required, description, schema }) =>
    html`<tr><td><code>${name}</code>${required ? '' : ' (optional)'}</td><td>${place}</td><td>${typeOf(schema)}</td><td>${marked(description ?? '')}</td></tr>`,
)}</tbody></table>`;

const contentOf = (content: Record<string, { schema?: unknown }>) =>
  Object.entries(content).map(([type, { schema }]) => html`<div><code>${type}</code> ${typeOf(schema)}</div>`);

function typeOf(schema: unknown) {
  const { $ref, type, enum: values, minimum, maximum, default: otherwise } = (schema ?? {}) as Record<string, unknown>;
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const range = minimum === undefined && maximum === undefined ? '' : `, ${minimum ?? ''} to ${maximum ?? ''}`;
  const rest = otherwise === undefined ? '' : `; ${otherwise} if left out`;
  return `${Array.isArray(values) ? values.join(' | ') : (type ?? '')}${range}${rest}`;
}

/** Renders text in which backticks mark code. */
const marked = (text: string) =>
  raw(
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>'),
  );
