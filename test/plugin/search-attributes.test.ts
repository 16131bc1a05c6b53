import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { registrationCommand } from '../../temporal/search-attributes.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { registerNamespace } from '../support/namespace.ts';

const TEMPORAL = 'temporal operator search-attribute create --namespace';
const TCLD = 'tcld namespace search-attributes add --namespace';

describe('search attributes', () => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await Connection.connect({ address: inject('temporalAddress') });
  });
  afterAll(() => connection.close());

  it('are registered in a namespace that lacks them', async () => {
    const namespace = `attributes-${process.pid}-${Date.now()}`;
    await registerNamespace(connection, namespace);

    expect(await ensureSearchAttributes(connection, namespace, expect.unreachable)).toBe(true);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(['PlimsollDataset', 'PlimsollPhase']));
  });

  it.each([
    ['nowhere', `${TEMPORAL} nowhere --name PlimsollDataset --type Keyword --name PlimsollPhase --type Keyword`],
    [
      'photos.a1b2c',
      `${TCLD} photos.a1b2c --search-attribute PlimsollDataset=Keyword --search-attribute PlimsollPhase=Keyword`,
    ],
  ])('that can’t be registered in %s are a warning with the command that does it', async (namespace, command) => {
    const said: string[] = [];

    expect(await ensureSearchAttributes(connection, namespace, (message) => said.push(message))).toBe(false);
    expect(said).toEqual([expect.stringContaining(`Register them once: ${command}`)]);
  });

  it.each([
    ['localhost:7233', 'photos', TEMPORAL],
    ['temporal.example:7233', 'team.production', TEMPORAL],
    ['tmprl.cloud.example:7233', 'photos', TEMPORAL],
    ['photos.a1b2c.tmprl.cloud:7233', 'photos', TCLD],
    ['eu-west-1.aws.api.temporal.io:7233', 'photos', TCLD],
    ['eu-west-1.aws.api.temporal.io', 'photos', TCLD],
    ['private-link.example:7233', 'photos.a1b2c', TCLD],
  ])('are registered, at %s for %s, by: %s', (address, namespace, command) => {
    expect(registrationCommand({ address, namespace })).toContain(`${command} ${namespace} `);
  });
});
