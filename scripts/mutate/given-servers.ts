import type { TestProject } from 'vitest/node';
import '../../test/support/servers.ts';

/** Gives the tests the addresses of the servers that `npm run mutate` has started, if any. */
export default function provideServers(project: TestProject): void {
  const { MUTATE_MONGODB_URI: mongodbUri, MUTATE_TEMPORAL_ADDRESS: temporalAddress } = process.env;
  if (mongodbUri) project.provide('mongodbUri', mongodbUri);
  if (temporalAddress) project.provide('temporalAddress', temporalAddress);
}
