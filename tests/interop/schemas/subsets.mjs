// The parts of JSON Schema that the APIs of models document for the parameters of functions.
//
// Gemini: `parametersJsonSchema` of FunctionDeclaration (ai.google.dev/api/caching), and Schema.
// OpenAI: supported schemas of structured outputs, without what only `strict` wants of them: that
// all properties are required, and no others are allowed.

const both = [
  '$defs', '$ref', 'additionalProperties', 'anyOf', 'default', 'description', 'enum', 'examples',
  'format', 'items', 'maxItems', 'maxLength', 'maximum', 'minItems', 'minLength', 'minimum',
  'pattern', 'properties', 'required', 'title', 'type',
];

const apis = {
  gemini: {
    keywords: [...both, 'maxProperties', 'minProperties'],
    constants: ['string', 'number'],
    depth: 32,
  },
  openai: {
    keywords: [...both, 'exclusiveMaximum', 'exclusiveMinimum', 'multipleOf'],
    constants: ['string', 'number', 'boolean'],
    depth: 10,
  },
};

const types = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];

// The faults of a schema, each with its path.
export function faults(api, root) {
  const { keywords, constants, depth: deepest } = apis[api];
  const found = [];

  function visit(schema, path, depth) {
    const fault = (text) => found.push(`${path || '/'}: ${text}`);
    if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) {
      fault(`${JSON.stringify(schema)} is not an object`);
      return;
    }
    const has = (keyword) => Object.hasOwn(schema, keyword);
    for (const keyword of Object.keys(schema)) {
      if (!keywords.includes(keyword)) fault(`${api} does not know \`${keyword}\``);
    }
    if (depth > deepest) fault(`deeper than ${deepest} objects`);
    if (has('$ref')) {
      const name = schema.$ref.match(/^#\/\$defs\/([^/]+)$/)?.[1];
      if (!name || !root.$defs?.[decodeURIComponent(name)]) fault(`${schema.$ref} refers to nothing`);
      if (Object.keys(schema).some((keyword) => !keyword.startsWith('$'))) fault('keywords next to `$ref`');
    }
    const kinds = [schema.type ?? []].flat();
    for (const kind of kinds) if (!types.includes(kind)) fault(`the type ${kind}`);
    if (kinds.length > 2 || (kinds.length === 2 && !kinds.includes('null'))) fault('several types');
    if (kinds.includes('array') && !has('items')) fault('an array without `items`');
    if (has('enum')) {
      if (schema.enum.length === 0 || schema.enum.length > 1000) fault('the number of constants');
      for (const value of schema.enum) {
        if (!constants.includes(typeof value)) fault(`the constant ${JSON.stringify(value)}`);
      }
    }
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(schema.properties ?? {}, name)) fault(`\`${name}\` is required and not described`);
    }
    if (has('anyOf')) {
      const siblings = ['anyOf', 'default', 'description', 'examples', 'title', 'type', '$defs'];
      if (Object.keys(schema).some((keyword) => !siblings.includes(keyword))) fault('keywords next to `anyOf`');
      if (schema.anyOf.length === 0) fault('no alternatives');
    }
    const inner = depth + (kinds.includes('object') ? 1 : 0);
    for (const map of ['properties', '$defs']) {
      for (const [name, part] of Object.entries(schema[map] ?? {})) {
        visit(part, `${path}/${map}/${name}`, map === '$defs' ? 0 : inner);
      }
    }
    if (has('items')) visit(schema.items, `${path}/items`, inner);
    if (has('additionalProperties') && schema.additionalProperties !== false) {
      visit(schema.additionalProperties, `${path}/additionalProperties`, inner);
    }
    for (const [at, part] of (schema.anyOf ?? []).entries()) visit(part, `${path}/anyOf/${at}`, inner);
  }

  if (root.type !== 'object') found.push('/: the root is not an object');
  visit(root, '', 0);
  return found;
}
