import type { Connection } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { registrationCommand, SEARCH_ATTRIBUTES } from '../temporal/search-attributes.ts';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;

/**
 * Registers Plimsoll's search attributes if the namespace lacks them, and returns whether it has them now. A workflow
 * that sets an unregistered attribute blocks, so workers pass this result to workflows. Calls `warn` instead of
 * failing.
 */
export async function ensureSearchAttributes(
  connection: Connection | NativeConnection,
  namespace: string,
  warn: (message: string) => void,
): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return true;
  } catch (error) {
    warn(
      `Jobs can't be filtered by dataset and phase on Temporal's page: its search attributes are not registered (${error instanceof Error ? error.message : error}). ` +
        `Register them once: ${registrationCommand({ namespace })}`,
    );
    return false;
  }
}
