import { access, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium } from './chromium.ts';

/**
 * The environment in which a process finds SwiftShader, a Vulkan driver that computes on the CPU. It comes with Chromium.
 * Undefined if this machine's Chromium has none.
 */
export async function softwareVulkan(): Promise<Record<string, string> | undefined> {
  const program = await findChromium().catch(() => undefined);
  if (program === undefined) return undefined;
  const folder = dirname(await realpath(program.path));
  const driver = join(folder, 'vk_swiftshader_icd.json');
  const found = await Promise.all(
    [driver, join(folder, 'libvulkan.so.1')].map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(false)
    ? undefined
    : { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder };
}

/** The environment in which a process finds no Vulkan driver. */
export const NO_VULKAN = { VK_DRIVER_FILES: '/none.json', VK_ICD_FILENAMES: '/none.json' };
