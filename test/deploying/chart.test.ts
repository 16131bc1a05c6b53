import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Unavailable } from '../support/wheel-file.ts';
import { CHART, type Chart, type Manifest, openChart, openSchemas, type Rendered } from './chart.ts';

let chart: Chart;
let faultsOf: (manifest: Manifest) => string[] | undefined;
let missing: string | undefined;

beforeAll(async () => {
  try {
    [chart, faultsOf] = await Promise.all([openChart(), openSchemas()]);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing = error.message;
  }
});
beforeEach(({ skip }) => skip(missing !== undefined, `The chart is not checked: ${missing}`));

const SMALLEST = ['smallest'];
const FULL = ['full'];

const find = ({ objects }: Rendered, kind: string, name: string): Manifest =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);
const namesOf = ({ objects }: Rendered, kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
const deploymentsOf = ({ objects }: Rendered): Manifest[] => objects.filter(({ kind }) => kind === 'Deployment');
const containerOf = (deployment: Manifest) => deployment.spec.template.spec.containers[0];
const envOf = (deployment: Manifest): Record<string, unknown> =>
  Object.fromEntries(
    containerOf(deployment).env.map((entry: Manifest) => [entry.name, entry.value ?? entry.valueFrom]),
  );
const failure = (files: readonly string[], values: object): Promise<string> =>
  chart.render(files, values).then(
    () => 'It was rendered.',
    (error) => error.message,
  );

describe.each([
  ['the smallest values', SMALLEST],
  ['all values', FULL],
])('with %s', (_, files) => {
  it('the chart passes Helm’s strict lint', async () => {
    expect(await chart.lint(files)).toEqual([]);
  });

  it('Kubernetes knows every field of its own kinds', async () => {
    const { objects } = await chart.render(files);
    const checked = objects.map((object) => [object.kind, faultsOf(object)] as const);
    expect(checked.filter(([, faults]) => faults !== undefined && faults.length > 0)).toEqual([]);
    const unknown = checked.filter(([, faults]) => faults === undefined).map(([kind]) => kind);
    expect(new Set(unknown)).toEqual(new Set(files === FULL ? ['ScaledObject', 'TriggerAuthentication'] : []));
  });

  it('every pod runs without rights, on a file system that it can’t write', async () => {
    const deployments = deploymentsOf(await chart.render(files));
    expect(deployments.length).toBeGreaterThan(2);
    for (const deployment of deployments) {
      const pod = deployment.spec.template.spec;
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 40,
        securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod.securityContext).not.toHaveProperty('fsGroup');
      const { securityContext, volumeMounts } = containerOf(deployment);
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const writable = volumeMounts.filter(({ readOnly }: Manifest) => readOnly !== true);
      // Decoded images pass through shared memory.
      const shared = containerOf(deployment).args?.includes('embedding') ? ['/dev/shm'] : [];
      expect(writable.map(({ mountPath }: Manifest) => mountPath)).toEqual(['/var/cache/plimsoll', '/tmp', ...shared]);
      // Each mount has its volume.
      const volumes = pod.volumes.map(({ name }: Manifest) => name);
      expect(volumeMounts.map(({ name }: Manifest) => name).sort()).toEqual(volumes.sort());
    }
  });

  it('the caches of those that search and build have room for search indexes', async () => {
    const deployments = deploymentsOf(await chart.render(files));
    const roomOf = (part: string) =>
      deployments
        .filter(({ metadata }) => metadata.name.endsWith(part))
        .map(
          ({ spec }) => spec.template.spec.volumes.find(({ name }: Manifest) => name === 'cache').emptyDir.sizeLimit,
        );
    const [api] = roomOf('-api');
    const [embedding] = roomOf('-embedding');
    const megabytes = files.some((file) => file.includes('full')) ? 500 : 8192;
    expect(Number.parseInt(api, 10)).toBeGreaterThan(megabytes);
    expect(Number.parseInt(embedding, 10)).toBe(2 * megabytes + 1024);
  });

  it('every environment variable is one that the code reads', async () => {
    const read = await variablesOfTheCode();
    const set = deploymentsOf(await chart.render(files)).flatMap((deployment) => Object.keys(envOf(deployment)));
    const ours = set.filter((name) => /^(PLIMSOLL|MONGODB)_/.test(name));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((name) => !read.has(name))).toEqual([]);
  });
});

/** The variables in the tables of README.md and docs/api.md, and those of the database. */
async function variablesOfTheCode(): Promise<Set<string>> {
  const root = join(CHART, '../../..');
  const files = ['README.md', 'docs/api.md'].map((file) => readFile(join(root, file), 'utf8'));
  const rows = (await Promise.all(files)).join('\n').split('\n');
  const named = rows.filter((row) => row.startsWith('|')).flatMap((row) => row.match(/`PLIMSOLL_[A-Z_]+`/g) ?? []);
  return new Set(['MONGODB_URI', ...named.map((name) => name.slice(1, -1))]);
}

it('a schema that finds a wrong field is at work', async () => {
  const [deployment] = deploymentsOf(await chart.render(SMALLEST));
  containerOf(deployment).livenesProbe = {};
  expect(faultsOf(deployment)).toEqual([expect.stringContaining('livenesProbe')]);
});

describe('values that are refused', () => {
  it('names everything that is missing, at once', async () => {
    const message = await failure([], {});
    for (const value of ['mongodb.existingSecret', 'temporal.address', 'sources', 'api.tokens.existingSecret'])
      expect(message).toContain(`  - ${value}: `);
    // Lint is for the chart: it passes without the values of an installation.
    expect(await chart.lint([])).toEqual([]);
  });

  it.each([
    ['of the top', { replicas: 2 }, 'replicas'],
    ['below', { indexing: { replicaCount: 2 } }, 'replicaCount'],
    ['of a list', { sources: [{ name: 'a', mountPath: '/a', pvc: 'photos' }] }, 'pvc'],
    ['in place of a secret’s name', { mongodb: { uri: 'mongodb://me:secret@db.example' } }, 'uri'],
  ])('an unknown name %s', async (_, values, name) => {
    expect(await failure(SMALLEST, values)).toMatch(new RegExp(`dditional propert.*'?${name}`));
  });

  it.each([
    [
      'a missing secret',
      { mongodb: { existingSecret: '' } },
      'mongodb.existingSecret: name the secret whose key "uri" holds the connection string of a MongoDB replica set.',
    ],
    [
      'an API without tokens',
      { api: { tokens: { existingSecret: '' } } },
      'everybody in the cluster could call the API',
    ],
    [
      'a source without a place',
      { sources: [{ name: 'photos', mountPath: '/images' }] },
      'sources: photos needs exactly one of persistentVolumeClaim, hostPath and nfs, and has 0.',
    ],
    [
      'a source with two places',
      { models: [{ name: 'm', mountPath: '/m', hostPath: { path: '/m' }, nfs: { server: 'nas', path: '/m' } }] },
      'models: m needs exactly one of persistentVolumeClaim, hostPath and nfs, and has 2.',
    ],
    ['an ingress without a host', { api: { ingress: { enabled: true } } }, 'api.ingress.host: name the host'],
    [
      'old versions without a new one',
      { versioning: { draining: [{ buildId: 'a', tag: 'a', replicas: 1 }] } },
      'versioning.draining: set versioning.enabled as well.',
    ],
    [
      'a version that drains and is current',
      { versioning: { enabled: true, draining: [{ buildId: '0.1.0', tag: '0.1.0', replicas: 1 }] } },
      'versioning.draining: 0.1.0 is the version that is being deployed.',
    ],
    [
      'more replicas at least than at most',
      { embedding: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 4 } } },
      'embedding.autoscaling: minReplicas (5) is above maxReplicas (4).',
    ],
    [
      'more GPUs than a pod asks for',
      { embedding: { device: 'cuda:0,cuda:1' } },
      'embedding.gpu.count: device names 2 GPUs (cuda:0, cuda:1), and a pod asks for 1.',
    ],
    [
      'TLS that KEDA can’t speak',
      { temporal: { tls: { enabled: true } }, embedding: { autoscaling: { enabled: true } } },
      'KEDA speaks TLS with Temporal only if it has an API key or a client certificate.',
    ],
  ])('%s, in words', async (_, values, words) => {
    expect(await failure(SMALLEST, values)).toContain(words);
  });
});

describe('the API', () => {
  it('asks for tokens, and reads them from a file', async () => {
    const api = find(await chart.render(SMALLEST), 'Deployment', 'demo-plimsoll-api');
    expect(containerOf(api)).toMatchObject({
      command: ['node', 'dist/api/serve.js'],
      args: ['--host', '0.0.0.0', '--port', '7400'],
      startupProbe: { httpGet: { path: '/ready' } },
      livenessProbe: { httpGet: { path: '/health' } },
      readinessProbe: { httpGet: { path: '/health' } },
    });
    expect(envOf(api)).toMatchObject({
      MONGODB_URI: { secretKeyRef: { name: 'plimsoll-mongodb', key: 'uri' } },
      PLIMSOLL_API_TOKENS_FILE: '/etc/plimsoll/api/tokens',
      PLIMSOLL_SOURCE_ROOTS: '/images/photos',
    });
  });

  it('can be left out, with all that belongs to it', async () => {
    const values = { api: { enabled: false, tokens: { existingSecret: '' } }, networkPolicy: { enabled: true } };
    const { objects } = await chart.render(SMALLEST, values);
    expect(objects.filter(({ metadata }) => metadata.name.endsWith('-api'))).toEqual([]);
  });
});

describe('workers', () => {
  it('are restarted by their event loop alone', async () => {
    const rendered = await chart.render(SMALLEST);
    for (const name of ['demo-plimsoll-indexing', 'demo-plimsoll-embedding']) {
      const deployment = find(rendered, 'Deployment', name);
      expect(containerOf(deployment)).toMatchObject({
        ports: [{ name: 'health', containerPort: 7401 }],
        livenessProbe: { httpGet: { path: '/health', port: 'health' } },
        readinessProbe: { httpGet: { path: '/ready', port: 'health' } },
      });
      expect(envOf(deployment)).toMatchObject({ PLIMSOLL_HEALTH_PORT: '7401' });
    }
  });

  it('of the embedding role get a GPU and the image with CUDA; on the CPU they get neither', async () => {
    const name = 'demo-plimsoll-embedding';
    const gpu = containerOf(find(await chart.render(SMALLEST), 'Deployment', name));
    const cpu = containerOf(find(await chart.render(SMALLEST, { embedding: { device: 'cpu' } }), 'Deployment', name));
    expect(gpu).toMatchObject({
      image: 'plimsoll:0.1.0-cuda',
      resources: { limits: { 'nvidia.com/gpu': 1, memory: '8Gi' } },
    });
    expect(cpu).toMatchObject({ image: 'plimsoll:0.1.0', resources: { limits: { memory: '8Gi' } } });
    expect(cpu.resources.limits).not.toHaveProperty(['nvidia.com/gpu']);
  });

  it('of the embedding role run one encoder for each device of a list', async () => {
    const embedding = { device: 'cuda:0,cuda:1', gpu: { count: 2 } };
    const deployment = find(await chart.render(SMALLEST, { embedding }), 'Deployment', 'demo-plimsoll-embedding');
    expect(envOf(deployment)).toMatchObject({ PLIMSOLL_DEVICE: 'cuda:0,cuda:1' });
    expect(containerOf(deployment)).toMatchObject({
      image: 'plimsoll:0.1.0-cuda',
      resources: { limits: { 'nvidia.com/gpu': 2 } },
    });
    for (const device of ['auto', 'cuda:0,', 'gpu'])
      await expect(chart.render(SMALLEST, { embedding: { device } })).rejects.toThrow(/device/);
  });

  it('with versions have a Deployment for each, and embedding workers have none', async () => {
    const rendered = await chart.render(FULL);
    expect(namesOf(rendered, 'Deployment').sort()).toEqual([
      'images-api',
      'images-embedding',
      'images-indexing-2026-11-13',
      'images-indexing-2026-11-20',
    ]);
    const [old, current] = ['2026-11-13', '2026-11-20'].map((id) =>
      find(rendered, 'Deployment', `images-indexing-${id}`),
    );
    expect(containerOf(old).image).toBe('registry.example/plimsoll:2026-11-13');
    expect(envOf(old)).toMatchObject({ PLIMSOLL_DEPLOYMENT: 'images', PLIMSOLL_BUILD_ID: '2026-11-13' });
    expect(envOf(current)).toMatchObject({ PLIMSOLL_DEPLOYMENT: 'images', PLIMSOLL_BUILD_ID: '2026-11-20' });
    // A Deployment must not take the other's pods.
    expect(old.spec.selector.matchLabels).not.toEqual(current.spec.selector.matchLabels);
    for (const { spec } of [old, current])
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(envOf(find(rendered, 'Deployment', 'images-embedding'))).not.toHaveProperty('PLIMSOLL_BUILD_ID');
    expect(rendered.notes).toContain('set-current-version --deployment-name images --build-id 2026-11-20 --yes');
  });

  it('without versions have one Deployment, which no variable names', async () => {
    const indexing = find(await chart.render(SMALLEST), 'Deployment', 'demo-plimsoll-indexing');
    expect(envOf(indexing)).not.toHaveProperty('PLIMSOLL_DEPLOYMENT');
  });
});

describe('autoscaling', () => {
  const autoscaling = { enabled: true };

  it('leaves the replicas to KEDA; without it, 0 is 0', async () => {
    const name = 'demo-plimsoll-embedding';
    const scaled = await chart.render(SMALLEST, { embedding: { replicas: 0, autoscaling } });
    expect(find(scaled, 'Deployment', name).spec).not.toHaveProperty('replicas');
    expect(find(scaled, 'ScaledObject', name).spec).toMatchObject({
      scaleTargetRef: { name },
      minReplicaCount: 0,
      maxReplicaCount: 4,
    });
    const fixed = await chart.render(SMALLEST, { embedding: { replicas: 0 } });
    expect(find(fixed, 'Deployment', name).spec.replicas).toBe(0);
    expect(find(fixed, 'ScaledObject', name)).toBeUndefined();
  });

  it('asks Temporal and MongoDB as the workers do', async () => {
    const { spec } = find(await chart.render(FULL), 'ScaledObject', 'images-embedding');
    expect(spec.triggers).toMatchObject([
      {
        type: 'temporal',
        metadata: {
          endpoint: 'us-east-1.aws.api.temporal.io:7233',
          namespace: 'images.a1b2c',
          taskQueue: 'plimsoll-gpu',
          queueTypes: 'activity',
          targetQueueSize: '2',
          activationTargetQueueSize: '1',
          tlsServerName: 'temporal.example',
        },
        authenticationRef: { name: 'images-embedding-temporal' },
      },
      {
        type: 'mongodb',
        metadata: { dbName: 'datasets', collection: 'jobs' },
        authenticationRef: { name: 'images-embedding-mongodb' },
      },
    ]);
    // KEDA reads all of a trigger's metadata as text.
    for (const { metadata } of spec.triggers)
      for (const value of Object.values(metadata)) expect(value).toBeTypeOf('string');
  });

  it('hands KEDA secrets by name', async () => {
    const rendered = await chart.render(FULL);
    expect(find(rendered, 'TriggerAuthentication', 'images-embedding-mongodb').spec.secretTargetRef).toEqual([
      { parameter: 'connectionString', name: 'datasets', key: 'connection' },
    ]);
    expect(find(rendered, 'TriggerAuthentication', 'images-embedding-temporal').spec.secretTargetRef).toEqual([
      { parameter: 'apiKey', name: 'temporal-cloud', key: 'token' },
      { parameter: 'cert', name: 'temporal-client', key: 'tls.crt' },
      { parameter: 'key', name: 'temporal-client', key: 'tls.key' },
      { parameter: 'ca', name: 'temporal-ca', key: 'ca.crt' },
    ]);
  });

  it('needs no authentication where Temporal needs none', async () => {
    const rendered = await chart.render(SMALLEST, { embedding: { autoscaling } });
    const { spec } = find(rendered, 'ScaledObject', 'demo-plimsoll-embedding');
    expect(spec.triggers[0]).not.toHaveProperty('authenticationRef');
    expect(namesOf(rendered, 'TriggerAuthentication')).toEqual(['demo-plimsoll-embedding-mongodb']);
  });
});
