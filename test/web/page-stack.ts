import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { inject } from 'vitest';
import { isOver } from '../../contract/job.ts';
import { type Stack, startStack } from '../../local/stack.ts';
import { buildWeb } from '../../scripts/build-web.ts';
import type { Dataset, Job, SamplePage } from '../../web/src/api/shapes.ts';
import { launchChromium } from '../support/chromium.ts';
import { registerNamespace } from '../support/namespace.ts';
import { PATIENCE_MS } from '../support/patience.ts';

/** The workers and the API as `plimsoll up` runs them, on the run's servers in a namespace of their own, and a browser. */
export interface PageStack {
  stack: Stack;
  url: string;
  browser: Browser;
  /** The folder below which loads may read. */
  sources: string;
  /** Opens a page. Its errors are added to `complaints`. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** Errors that pages threw, and what the content security policy refused. */
  complaints: string[];
  ask<T>(path: string, init?: RequestInit): Promise<T>;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Starts a load and awaits its end. */
  load(dataset: string, source: string, options?: Record<string, unknown>): Promise<Job>;
  stop(): Promise<void>;
}

/** @param env what workers and the API have in their environment */
export async function openPageStack(env: NodeJS.ProcessEnv = {}): Promise<PageStack> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-web-'));
  const sources = join(folder, 'sources');
  await mkdir(sources);
  const name = `web-${randomUUID().slice(0, 8)}`;
  const mongodb = new URL(inject('mongodbUri'));
  mongodb.pathname = name;
  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  await registerNamespace(connection, name);
  await connection.close();
  const [stack, browser] = await Promise.all([
    startStack({
      dataDir: join(folder, 'stack'),
      open: true,
      env: { ...process.env, ...env, MONGODB_URI: mongodb.href, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: name },
      api: { port: 0, webFolder: buildWeb(), sourceRoots: [sources, join(process.cwd(), 'examples/images')] },
    }),
    launchChromium(),
  ]);
  const url = stack.apiUrl as string;
  const complaints: string[] = [];

  async function ask<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
  const get = <T>(path: string) => ask<T>(path);
  const post = <T>(path: string, body: unknown) =>
    ask<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

  return {
    stack,
    url,
    browser,
    sources,
    complaints,
    ask,
    get,
    post,
    async open(path, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, baseURL: url, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
      page.on('console', (message) => {
        if (/Content Security Policy|svelte\.dev/.test(message.text()))
          complaints.push(`${page.url()}: ${message.text()}`);
      });
      await page.goto(path);
      return page;
    },
    async load(dataset, source, options = {}) {
      const { job_id } = await post<{ job_id: string }>('/api/loads', { dataset, source, ...options });
      while (true) {
        const { job } = await get<{ job: Job }>(`/api/jobs/${job_id}/wait?timeout=30`);
        if (isOver(job)) return job;
      }
    },
    async stop() {
      await browser.close();
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How many samples of a dataset can be read. */
export async function samplesOf({ get }: Pick<PageStack, 'get'>, dataset: string): Promise<SamplePage['samples']> {
  return get<SamplePage>(`/api/datasets/${dataset}/samples?limit=10`).then(
    ({ samples }) => samples,
    () => [],
  );
}

export const datasetOf = ({ get }: Pick<PageStack, 'get'>, dataset: string) => get<Dataset>(`/api/datasets/${dataset}`);
