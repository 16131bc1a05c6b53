import { Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { expect, inject, test } from 'vitest';

test('tests share a mongod that takes majority writes', async () => {
  const client = new MongoClient(inject('mongodbUri'));
  try {
    const samples = client.db('servers-test').collection('samples');
    await samples.insertOne({ seq: 1 }, { writeConcern: { w: 'majority' } });
    expect(await samples.countDocuments({ seq: 1 })).toBeGreaterThan(0);
  } finally {
    await client.close();
  }
});

test('tests share a Temporal server with the search attributes of a load', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(['PlimsollDataset', 'PlimsollPhase']));
  } finally {
    await connection.close();
  }
});
