/** Random values for OpenAPI 3.0 schemas: valid ones, and ones that are wrong in one place. Deterministic for a seed. */
import fc, { type Arbitrary } from "fast-check";
import {
  type Components,
  isObject,
  type Json,
  mismatches,
  resolved,
} from "../transports/http/schema-check.ts";

/** Values worth trying for a property of that name, where its schema allows them. */
export type Hints = Readonly<Record<string, readonly unknown[]>>;

/** Values that match `schema`. */
export function valuesOf(
  schema: Json,
  components: Components,
  hints: Hints = {},
): Arbitrary<unknown> {
  return build(schema, components, hints).filter(
    (value) => mismatches(schema, value, components).length === 0,
  );
}

function build(referring: Json, components: Components, hints: Hints): Arbitrary<unknown> {
  const schema = resolved(referring, components);
  const alternatives = (schema["oneOf"] ?? schema["anyOf"]) as Json[] | undefined;
  if (alternatives) {
    const { oneOf, anyOf, ...rest } = schema;
    return fc.oneof(
      ...alternatives.map((one) =>
        build(merged(rest, resolved(one, components)), components, hints),
      ),
    );
  }
  if (Array.isArray(schema["allOf"])) {
    const { allOf, ...rest } = schema;
    const parts = (allOf as Json[]).map((part) => build(part, components, hints));
    return fc
      .tuple(build(rest, components, hints), ...parts)
      .map(([own, ...values]) =>
        values.every(isObject) ? Object.assign({}, ...values) : (values[0] ?? own),
      );
  }
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...(schema["enum"] as unknown[]));
  switch (schema["type"]) {
    case "string":
      return texts(schema);
    case "integer":
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(build(schema["items"] as Json, components, hints), {
        minLength: Number(schema["minItems"] ?? 0),
        maxLength: Math.min(Number(schema["maxItems"] ?? 4), 8),
      });
    case "object":
      return objects(schema, components, hints);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function merged(base: Json, alternative: Json): Json {
  return {
    ...base,
    ...alternative,
    properties: { ...(base["properties"] as Json), ...(alternative["properties"] as Json) },
    required: [
      ...((base["required"] ?? []) as string[]),
      ...((alternative["required"] ?? []) as string[]),
    ],
  };
}

function texts(schema: Json): Arbitrary<string> {
  if (typeof schema["pattern"] === "string")
    return fc.stringMatching(new RegExp(schema["pattern"]));
  const minLength = Number(schema["minLength"] ?? 0);
  const maxLength = Number(schema["maxLength"] ?? 80);
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ minLength, maxLength: Math.min(maxLength, 40) }) },
    {
      weight: 1,
      arbitrary: fc.string({
        minLength,
        maxLength: Math.min(maxLength, 20),
        unit: "grapheme-composite",
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(minLength, maxLength).map((length) => "x".repeat(length)),
    },
  );
}

function numbers(schema: Json): Arbitrary<number> {
  const min = Number(schema["minimum"] ?? -1e9);
  const max = Number(schema["maximum"] ?? 1e9);
  if (schema["type"] === "integer") {
    return fc.oneof(fc.integer({ min, max: Math.min(max, min + 100) }), fc.constantFrom(min, max));
  }
  return fc.oneof(
    fc.double({ min, max, noNaN: true }),
    fc.constantFrom(min, max, Math.max(min, 0)),
  );
}

function objects(schema: Json, components: Components, hints: Hints): Arbitrary<unknown> {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Json>).filter(
    ([, inner]) => !isObject(inner["not"]) || Object.keys(inner["not"]).length > 0,
  );
  const known = Object.fromEntries(
    properties.map(([name, inner]) => {
      const values = build(inner, components, hints);
      const fitting = (hints[name] ?? []).filter(
        (hint) => mismatches(inner, hint, components).length === 0,
      );
      if (fitting.length === 0) return [name, values];
      return [
        name,
        fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...fitting) },
          { weight: 1, arbitrary: values },
        ),
      ];
    }),
  );
  const requiredKeys = ((schema["required"] ?? []) as string[]).filter((key) =>
    Object.hasOwn(known, key),
  );
  const own = fc.record(known, { requiredKeys });
  const additional = schema["additionalProperties"];
  if (additional === false) return own;
  const values = isObject(additional)
    ? build(additional, components, hints)
    : fc.jsonValue({ maxDepth: 1 });
  const extra = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.string({ maxLength: 8 }), values, { maxKeys: 2 }) },
  );
  return fc.tuple(extra, own).map(([more, mine]) => ({ ...more, ...mine }));
}

/** Takes a value and changes one thing in it: a key gone, a type changed, a number off its range, a key too many. */
export function nearly(values: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc.tuple(values, fc.nat(), WRONG).map(([value, pick, wrong]) => spoil(value, pick, wrong));
}

const WRONG: Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[null, true, "", "NaN", 0, -1, 1e308, -1e308, 9_007_199_254_740_993, 0.5],
  ...[
    [],
    {},
    [[]],
    { __proto__: null },
    "\u0000",
    "x".repeat(600),
    "💥".repeat(200),
    "../../etc/passwd",
  ],
);

function spoil(value: unknown, pick: number, wrong: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length === 0) return wrong;
  const keys = Object.keys(value);
  const key = keys[pick % keys.length] ?? "";
  const { [key]: inner, ...rest } = value;
  switch (pick % 4) {
    case 0:
      return rest;
    case 1:
      return { ...value, [`${key}_`]: wrong };
    case 2:
      return { ...rest, [key]: isObject(inner) ? spoil(inner, pick >> 2, wrong) : wrong };
    default:
      return { ...rest, [key]: wrong };
  }
}
