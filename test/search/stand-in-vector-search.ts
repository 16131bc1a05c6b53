import { Binary, type Collection, type Db, type Document, type Filter, MongoServerError } from 'mongodb';
import { bindCollections } from '../../core/store/collections.ts';
import type { EmbeddingDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';
import { dot } from './vectors.ts';

type State = 'PENDING' | 'BUILDING' | 'READY' | 'FAILED';

/** A stand-in for mongot, and what it was asked. */
export interface StandInVectorSearch {
  /** A store whose embeddings have a vector search. */
  store: Store;
  /** The states of an index that is built, one for each look at it; the last one stays. */
  states: State[];
  /** The names of the indexes that were created, how often they were listed, and the stages of the queries. */
  created: string[];
  listed: number;
  queries: Document[];
  /** Takes in what is stored now, or only some of it. Until then it answers with what it took in before. */
  follow(only?: Filter<EmbeddingDocument>): Promise<void>;
  /** Creates an index as another program would. */
  create(name: string): void;
  drop(): void;
}

interface Index {
  definition: Document;
  looks: number;
}

/**
 * Stands in for the vector search of a server, because no server with one can be had here. It reads the documents of a
 * real MongoDB, compares all of them, and refuses what MongoDB's pages "Run Vector Search Queries" and "How to Index
 * Fields for Vector Search" do not allow.
 */
export function standInVectorSearch(real: Store): StandInVectorSearch {
  const db = real.client.db(real.database);
  const embeddings = db.collection<EmbeddingDocument>('embeddings');
  const indexes = new Map<string, Index>();
  let followed: EmbeddingDocument[] = [];
  const stateOf = ({ looks }: Index) => standIn.states[Math.min(looks, standIn.states.length) - 1] ?? 'PENDING';

  function create({ name, type, definition }: Document): string {
    if (type !== 'vectorSearch') refuse(`type ${type}`);
    // Atlas refuses a name that is taken, whatever its definition.
    if (indexes.has(name)) throw new MongoServerError({ message: 'Duplicate Index', code: 68 });
    standIn.created.push(name);
    indexes.set(name, { definition, looks: 0 });
    return name;
  }

  function list({ name }: Document): Document[] {
    standIn.listed += 1;
    return [...indexes]
      .filter(([known]) => name === undefined || known === name)
      .map(([known, index]) => {
        index.looks += 1;
        const status = stateOf(index);
        const message =
          status === 'FAILED' ? { mainIndex: { message: 'no disk on search-0.internal:27028 (10.0.0.7:27028)' } } : {};
        const statusDetail = [{ hostname: 'search-0', status, queryable: status === 'READY', ...message }];
        return { name: known, status, queryable: status === 'READY', statusDetail };
      });
  }

  function search(stage: Document): Document[] {
    standIn.queries.push(stage);
    const { index: name, path, queryVector, numCandidates, exact = false, limit, filter } = stage;
    const index = indexes.get(name);
    if (index === undefined) return [];
    if (stateOf(index) !== 'READY') refuse(`cannot query vector index while in state ${stateOf(index)}`);
    const { fields } = index.definition as { fields: Document[] };
    const vector = fields.find((field) => field.type === 'vector');
    const filters = fields.filter((field) => field.type === 'filter').map((field) => field.path);
    if (vector?.path !== path || vector?.similarity !== 'cosine') refuse('the path is not indexed as a vector');
    if (!(queryVector instanceof Binary)) refuse('the query is of another type than the stored vectors');
    const query = (queryVector as Binary).toFloat32Array();
    if (query.length !== vector?.numDimensions) refuse('the query has another number of elements');
    if (exact ? numCandidates !== undefined : !(numCandidates >= limit && numCandidates <= 10_000))
      refuse(`numCandidates ${numCandidates}, limit ${limit}, exact ${exact}`);
    for (const [field, condition] of Object.entries(filter as Document)) {
      if (!filters.includes(field)) refuse(`${field} is not indexed as a filter`);
      if (condition.$in?.length === 0) refuse('an empty $in');
    }
    return followed
      .filter(({ dim }) => dim === query.length)
      .filter((document) =>
        Object.entries(filter as Document).every(([field, condition]) => {
          const value = document[field as keyof EmbeddingDocument];
          return condition.$in === undefined ? value === condition : condition.$in.includes(value);
        }),
      )
      .map(({ seq, vector }) => ({ seq, score: (1 + dot(query, vector.toFloat32Array())) / 2 }))
      .sort((a, b) => b.score - a.score)
      .slice(0, limit);
  }

  function answer([stage = {}, ...more]: Document[], options: Document): Document[] | undefined {
    if (stage.$listSearchIndexes === undefined && stage.$vectorSearch === undefined) return undefined;
    if (options.readConcern?.level !== 'local') refuse('only the read concern local is supported');
    if (stage.$listSearchIndexes !== undefined) return list(stage.$listSearchIndexes);
    const [{ $project } = {}] = more;
    if ($project?.score?.$meta !== 'vectorSearchScore') refuse('no score is asked for');
    return search(stage.$vectorSearch);
  }

  const standing = new Proxy(embeddings, {
    get(target, name) {
      if (name === 'createSearchIndex') return async (description: Document) => create(description);
      if (name === 'aggregate')
        return (pipeline: Document[], options: Document) => {
          const toArray = async () => answer(pipeline, options);
          const isOurs = '$listSearchIndexes' in (pipeline[0] ?? {}) || '$vectorSearch' in (pipeline[0] ?? {});
          return isOurs ? { toArray } : target.aggregate(pipeline, options);
        };
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }) as Collection<EmbeddingDocument>;
  const store: Store = { ...real };
  const collection = (name: string) => (name === 'embeddings' ? standing : db.collection(name));
  bindCollections(store, { collection } as unknown as Db);

  const standIn: StandInVectorSearch = {
    store,
    states: ['READY'],
    created: [],
    listed: 0,
    queries: [],
    async follow(only = {}) {
      followed = await embeddings.find(only).toArray();
    },
    create: (name) => void indexes.set(name, { definition: {}, looks: 0 }),
    drop: () => indexes.clear(),
  };
  return standIn;
}

function refuse(message: string): never {
  throw new MongoServerError({ message, code: 8 });
}
