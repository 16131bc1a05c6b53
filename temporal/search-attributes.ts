import { datasetAttribute, phaseAttribute } from '../contract/search-attributes.ts';

/** Names of the search attributes that jobs set. All are keywords. */
export const SEARCH_ATTRIBUTES = [datasetAttribute.name, phaseAttribute.name];

/**
 * The command that registers the search attributes in a namespace. Temporal Cloud has one of its own, and answers no
 * operator service. A worker's connection does not tell its address, but Cloud's namespaces end in an account's ID.
 */
export function registrationCommand({ namespace, address }: { namespace: string; address?: string }): string {
  if (isCloudAddress(address) || /^[a-z0-9-]+\.[a-z0-9]{5}$/.test(namespace)) {
    const attributes = SEARCH_ATTRIBUTES.map((name) => `--search-attribute ${name}=Keyword`).join(' ');
    return `tcld namespace search-attributes add --namespace ${namespace} ${attributes}`;
  }
  const attributes = SEARCH_ATTRIBUTES.map((name) => `--name ${name} --type Keyword`).join(' ');
  return `temporal operator search-attribute create --namespace ${namespace} ${attributes}`;
}

const isCloudAddress = (address = ''): boolean => /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/.test(address);
