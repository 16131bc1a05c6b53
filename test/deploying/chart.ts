import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Ajv as AjvClass, ValidateFunction } from 'ajv';
import { Ajv } from 'ajv';
import { fetchWheelFile } from '../support/wheel-file.ts';
import { buildGoProgram } from './go-program.ts';

export const CHART = join(import.meta.dirname, '../../deploy/helm/plimsoll');
const TOOL = join(import.meta.dirname, 'chart-tool');

// biome-ignore lint/suspicious/noExplicitAny: manifests are JSON of many kinds.
export type Manifest = any;

export interface Rendered {
  objects: Manifest[];
  notes: string;
}

export interface Chart {
  /** Renders the chart with values files of its folder `ci`, and values that win over theirs. @throws Helm's message */
  render(files: readonly string[], values?: object): Promise<Rendered>;
  /** Returns what `helm lint --strict` fails on. */
  lint(files: readonly string[], values?: object): Promise<string[]>;
}

/** Builds the program that runs Helm's library, once for all checkouts. @throws Unavailable without Go or its modules */
export async function openChart(): Promise<Chart> {
  const tool = await buildGoProgram(TOOL);
  async function call(command: 'lint' | 'template', files: readonly string[], values: object): Promise<unknown> {
    const child = spawn(tool, [command, CHART, ...files.map((file) => join(CHART, 'ci', `${file}-values.yaml`))]);
    child.stdin.end(JSON.stringify(values));
    const [printed, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    if (code !== 0) throw new Error(said.trim());
    return JSON.parse(printed);
  }
  return {
    render: async (files, values = {}) => (await call('template', files, values)) as Rendered,
    lint: async (files, values = {}) => (await call('lint', files, values)) as string[],
  };
}

/** The release of Kubernetes whose schemas are used, and the wheel that holds them. */
const SCHEMAS = {
  requirement: 'kubernetes-validate==1.37.0',
  wheel: 'kubernetes_validate-1.37.0-py3-none-any.whl',
  sha256: '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
  member: 'kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict/_definitions.json',
};

/** The place of a kind in Kubernetes' own definitions. */
const DEFINITIONS: Readonly<Record<string, string>> = {
  Deployment: 'io.k8s.api.apps.v1.Deployment',
  Service: 'io.k8s.api.core.v1.Service',
  Ingress: 'io.k8s.api.networking.v1.Ingress',
  NetworkPolicy: 'io.k8s.api.networking.v1.NetworkPolicy',
  PodDisruptionBudget: 'io.k8s.api.policy.v1.PodDisruptionBudget',
};

/**
 * Returns a check of a manifest against Kubernetes' schemas, in which an unknown field is a fault. Undefined for a kind
 * that is not Kubernetes' own.
 *
 * @throws Unavailable if the schemas can't be fetched
 */
export async function openSchemas(): Promise<(manifest: Manifest) => string[] | undefined> {
  const definitions = JSON.parse(await readFile(await fetchWheelFile(SCHEMAS), 'utf8'));
  const ajv: AjvClass = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...definitions, $id: '/api/_definitions.json', $schema: undefined });
  const checks = new Map<string, ValidateFunction>();
  return ({ kind, ...rest }) => {
    const name = DEFINITIONS[kind];
    if (name === undefined) return undefined;
    const check = checks.get(kind) ?? ajv.compile({ $ref: `/api/_definitions.json#/$defs/${name}` });
    checks.set(kind, check);
    check({ kind, ...rest });
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${kind}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}
