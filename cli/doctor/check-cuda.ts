import { type CudaState, cudaFault, findCuda } from '../../core/cuda/find-cuda.ts';
import { cudaOf, findDriver, type NvidiaDriver, OLDEST_DRIVER, shownDriver } from '../../local/cuda/driver.ts';
import { type Check, ok, problem, warning } from './check.ts';

const DRIVER = 'NVIDIA driver';
const LIBRARIES = 'CUDA libraries';

/** Whether inference can use an NVIDIA GPU. Nothing if there is none, and none is asked for. */
export async function checkCuda(isAskedFor: boolean, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const driver = await findDriver(env);
  return cudaChecks({ isAskedFor, driver, found: findCuda(env) });
}

/** Judges what was found. */
export function cudaChecks({
  isAskedFor,
  driver,
  found,
}: {
  isAskedFor: boolean;
  driver: NvidiaDriver | undefined;
  found: CudaState;
}): Check[] {
  if (!isAskedFor && driver === undefined) return [];
  return [driverCheck(driver, found), libraryCheck(found, isAskedFor)];
}

function driverCheck(driver: NvidiaDriver | undefined, found: CudaState): Check {
  if (driver === undefined)
    return problem(DRIVER, 'none on this machine', `Install NVIDIA's driver, ${OLDEST_DRIVER[13]} or later.`);
  const allowed = cudaOf(driver);
  if (allowed === undefined)
    return problem(DRIVER, `${driver.version} is too old`, `Update it to ${OLDEST_DRIVER[13]} or later.`);
  const installed = found.state === 'installed' ? found.installation.cuda : undefined;
  if (installed !== undefined && allowed < installed)
    return problem(
      DRIVER,
      `${shownDriver(driver)} does not run CUDA ${installed}, which is installed`,
      `Update it to ${OLDEST_DRIVER[installed]} or later, or run: plimsoll install-cuda --cuda ${allowed}`,
    );
  return ok(DRIVER, `${shownDriver(driver)}, allows CUDA ${allowed}`);
}

function libraryCheck(found: CudaState, isAskedFor: boolean): Check {
  const fault = cudaFault(found);
  if (fault !== undefined) return (isAskedFor ? problem : warning)(LIBRARIES, fault, 'Run: plimsoll install-cuda');
  if (found.state === 'installed') {
    const { cuda, onnxruntime } = found.installation;
    return ok(LIBRARIES, `CUDA ${cuda} for ONNX Runtime ${onnxruntime}, ${found.installation.folder}`);
  }
  return ok(LIBRARIES, "ONNX Runtime's provider lies in node_modules; the system's libraries of CUDA are used");
}
