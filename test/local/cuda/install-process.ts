/** Installs from the servers of its environment, and tells whether the libraries were there before. */
import { installCuda } from '../../../local/cuda/install-cuda.ts';

const runtime = JSON.parse(process.env.TEST_RUNTIME ?? '');
const driver = { version: '580.65.06', capability: undefined };
const { wasThere } = await installCuda({
  env: process.env,
  machine: { platform: 'linux', glibc: '2.36', runtime, driver },
});
process.send?.(wasThere);
process.disconnect();
