import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { OnnxRuntime } from '../../../core/cuda/onnx-runtime.ts';
import { zipFile } from '../../support/zip-file.ts';

/** A version that no real ONNX Runtime has. */
export const VERSION = '9.8.7';

/** What a small wheel holds. */
export interface WheelContent {
  name: string;
  version: string;
  requires?: readonly string[];
  /** Paths and contents of its libraries and other files. */
  files: Record<string, string | Buffer>;
  /** Replaces the content of files after RECORD was made. */
  damage?: Record<string, string>;
  platform?: string;
  python?: string;
}

export interface WheelBytes {
  file: string;
  bytes: Buffer;
}

/** Makes a wheel, with its METADATA and its RECORD. */
export function makeWheel({ name, version, requires = [], files, damage = {}, ...tags }: WheelContent): WheelBytes {
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const metadata = [
    'Metadata-Version: 2.4',
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((each) => `Requires-Dist: ${each}`),
    '',
    'Requires-Dist: what-the-description-says',
  ].join('\n');
  const all: Record<string, string | Buffer> = { ...files, [`${stem}.dist-info/METADATA`]: metadata };
  const record = Object.entries(all).map(
    ([path, content]) =>
      `${path},sha256=${createHash('sha256').update(content).digest('base64url')},${Buffer.from(content).length}`,
  );
  const entries = Object.entries({ ...all, ...damage, [`${stem}.dist-info/RECORD`]: record.join('\n') });
  return {
    file: `${stem}-${tags.python ?? 'py3-none'}-${tags.platform ?? 'manylinux_2_27_x86_64'}.whl`,
    bytes: zipFile(entries.map(([path, content]) => ({ name: path, content }))),
  };
}

/** A provider of ONNX Runtime that was linked with a version of CUDA. */
export const providerLibrary = (cuda: number): string => `ELF libcublas.so.${cuda} libcublasLt.so.${cuda}`;

/** The packages of CUDA 13, each as small as can be. Their relations are the real ones. */
export function cuda13Wheels(version = VERSION): WheelBytes[] {
  const extras = [
    ...['numpy>=1.21.6', 'sympy; extra == "symbolic"'],
    ...['nvidia-cuda-runtime~=13.0; extra == "cuda"', 'nvidia-cufft~=12.0; extra == "cuda"'],
    'nvidia-cudnn-cu13~=9.0; extra == "cudnn"',
  ];
  const capi = 'onnxruntime/capi';
  const provider = {
    name: 'onnxruntime-gpu',
    version,
    requires: extras,
    platform: 'manylinux_2_28_x86_64',
    files: {
      [`${capi}/libonnxruntime_providers_cuda.so`]: providerLibrary(13),
      [`${capi}/libonnxruntime_providers_shared.so`]: 'shared',
      [`${capi}/libonnxruntime_providers_tensorrt.so`]: 'not wanted',
      [`${capi}/libonnxruntime.so.${version}`]: 'not wanted',
      'onnxruntime/__init__.py': 'pass',
      'onnxruntime/LICENSE': 'MIT',
      'onnxruntime/ThirdPartyNotices.txt': 'notices',
    },
  };
  return [
    ...['cp311-cp311', 'cp313-cp313t'].map((python) => makeWheel({ ...provider, python })),
    nvidia('nvidia-cuda-runtime', '13.4.1', { 'cu13/lib/libcudart.so.13': 'old' }),
    nvidia('nvidia-cuda-runtime', '13.10.2', { 'cu13/lib/libcudart.so.13': 'cudart', 'cu13/include/cuda.h': 'no' }),
    nvidia('nvidia-cuda-runtime', '14.0.0', { 'cu14/lib/libcudart.so.14': 'too new' }),
    nvidia('nvidia-cufft', '12.5.0.14', { 'cu13/lib/libcufft.so.12': 'cufft' }, ['nvidia-nvjitlink']),
    nvidia('nvidia-nvjitlink', '13.5.37', { 'cu13/lib/libnvJitLink.so.13': 'nvjitlink' }),
    nvidia('nvidia-cudnn-cu13', '9.28.1.4', { 'cudnn/lib/libcudnn.so.9': BIG }, ['nvidia-cublas']),
    nvidia('nvidia-cublas', '13.10.0.20', { 'cu13/lib/libcublasLt.so.13': 'cublasLt' }, []),
  ];
}

/** Large enough to be broken off in its middle, and hard to compress. */
export const BIG = Buffer.concat(
  Array.from({ length: 6000 }, (_, i) => createHash('sha256').update(String(i)).digest()),
);

export function nvidia(
  name: string,
  version: string,
  libraries: Record<string, string | Buffer>,
  requires: string[] = [],
): WheelBytes {
  const files = Object.fromEntries(Object.entries(libraries).map(([path, content]) => [`nvidia/${path}`, content]));
  const licence = `${name.replaceAll('-', '_')}-${version}.dist-info/licenses/License.txt`;
  return makeWheel({ name, version, requires, files: { ...files, [licence]: `terms of ${name}` } });
}

/** A package index and NuGet, on one port. */
export interface PackageServer extends AsyncDisposable {
  url: string;
  /** Each request that has come, in order. */
  requests: { url: string; headers: IncomingMessage['headers'] }[];
  wheels: WheelBytes[];
  nuget: { name: string; version: string; bytes: Buffer } | undefined;
  /** Called before each answer. It may answer itself, and then returns true. */
  intercept: ((url: string, response: ServerResponse, range: string | undefined) => boolean) | undefined;
  /** Whether it answers with pages, as older mirrors do. */
  html: boolean;
  /** Changes the hash that it states. */
  hashOf: (wheel: WheelBytes) => string;
  downloads(): string[];
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export async function startPackageServer(wheels: WheelBytes[]): Promise<PackageServer> {
  const http = createServer((request, response) => answer(request, response));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: PackageServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    wheels,
    nuget: undefined,
    intercept: undefined,
    html: false,
    hashOf: ({ bytes }) => sha256(bytes),
    downloads: () => server.requests.flatMap(({ url }) => (url.startsWith('/files/') ? [url.slice(7)] : [])),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };

  function answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    server.requests.push({ url, headers });
    if (server.intercept?.(url, response, headers.range)) return;
    const project = /^\/simple\/([^/]+)\/$/.exec(url)?.[1];
    const listed = server.wheels.filter(({ file }) => file.startsWith(`${project?.replaceAll('-', '_')}-`));
    if (project !== undefined && listed.length > 0) list(listed, response);
    else if (url.startsWith('/files/'))
      send(server.wheels.find(({ file }) => url === `/files/${file}`)?.bytes, headers.range, response);
    else if (server.nuget !== undefined && url.startsWith('/nuget/')) answerNuget(url, response, server.nuget);
    else response.writeHead(404).end('no');
  }

  function list(listed: WheelBytes[], response: ServerResponse): void {
    if (server.html) {
      const links = listed.map(
        (each) => `<a href="../../files/${each.file}#sha256=${server.hashOf(each)}" rel="x">${each.file}</a><br/>`,
      );
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><body>${links.join('\n')}</body>`);
      return;
    }
    const files = listed.map((each) => ({
      filename: each.file,
      url: `../../files/${each.file}`,
      hashes: { sha256: server.hashOf(each) },
      size: each.bytes.length,
      yanked: false,
    }));
    response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
    response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'x', files }));
  }

  function answerNuget(
    url: string,
    response: ServerResponse,
    { name, version, bytes }: NonNullable<PackageServer['nuget']>,
  ): void {
    const base = `${server.url}/nuget`;
    const answers: Record<string, unknown> = {
      '/nuget/index.json': {
        resources: [
          { '@id': `${base}/search`, '@type': 'SearchQueryService' },
          { '@id': `${base}/registration/`, '@type': 'RegistrationsBaseUrl/3.6.0' },
        ],
      },
      [`/nuget/registration/${name.toLowerCase()}/${version}.json`]: {
        catalogEntry: `${base}/catalog.json`,
        packageContent: `${base}/package.nupkg`,
      },
      '/nuget/catalog.json': {
        packageHash: createHash('sha512').update(bytes).digest('base64'),
        packageHashAlgorithm: 'SHA512',
        packageSize: bytes.length,
      },
    };
    if (url === '/nuget/package.nupkg') send(bytes, undefined, response);
    else if (url in answers) response.writeHead(200).end(JSON.stringify(answers[url]));
    else response.writeHead(404).end('no');
  }

  return server;
}

export function send(bytes: Buffer | undefined, range: string | undefined, response: ServerResponse): void {
  if (bytes === undefined) {
    response.writeHead(404).end('no');
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const headers = { 'content-length': bytes.length - from };
  const partial = { ...headers, 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from > 0 ? 206 : 200, from > 0 ? partial : headers);
  response.end(bytes.subarray(from));
}

/** An ONNX Runtime that has a core and nothing else. */
export async function makeRuntime(folder: string, version = VERSION): Promise<OnnxRuntime> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'libonnxruntime.so.1'), `core ${version}`);
  return { version, folder, arch: 'x64' };
}
