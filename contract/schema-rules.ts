/** Rules between fields in JSON Schema, for objects that a refinement checks. */

type Schema = Record<string, unknown>;

/** The rule "if an object fits the first schema, then the second, else the third". */
export const ifThen = (condition: Schema, rule: Schema, otherwise?: Schema): Schema => ({
  if: condition,
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: rule,
  ...(otherwise === undefined ? {} : { else: otherwise }),
});

/**
 * The rule "exactly one of these fields". It is written with `if`, because generators of clients turn `oneOf` into a
 * union of types and drop the object's own fields.
 */
export function oneOfFields(first: string, ...others: string[]): Schema {
  const [second, ...more] = others;
  if (second === undefined) return { required: [first] };
  const noOther = { not: { anyOf: others.map((name) => ({ required: [name] })) } };
  return ifThen({ required: [first] }, noOther, oneOfFields(second, ...more));
}
