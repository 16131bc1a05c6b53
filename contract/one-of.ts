/**
 * The rule "exactly one of these fields" in JSON Schema, for an object that a refinement checks. It is written with `if`,
 * because generators of clients turn `oneOf` into a union of types and drop the object's own fields.
 */
export function oneOfFields(first: string, ...others: string[]): Record<string, unknown> {
  if (others.length === 0) return { required: [first] };
  return {
    if: { required: [first] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { not: { anyOf: others.map((name) => ({ required: [name] })) } },
    else: oneOfFields(...(others as [string, ...string[]])),
  };
}
