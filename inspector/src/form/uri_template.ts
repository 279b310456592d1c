// URI templates (RFC 6570, level 4), by which a server offers resources.

interface Variable {
  readonly name: string;
  readonly explode: boolean;
  readonly length?: number;
}

export type Values = Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>> | undefined>>;

const EXPRESSION = /\{([^{}]*)\}/g;
/** For each operator: what begins it, what separates, whether names are written, what an empty value is, and whether reserved characters stay. */
const OPERATORS: Record<string, [first: string, separator: string, named: boolean, empty: string, reserved: boolean]> = {
  '': ['', ',', false, '', false],
  '+': ['', ',', false, '', true],
  '#': ['#', ',', false, '', true],
  '.': ['.', '.', false, '', false],
  '/': ['/', '/', false, '', false],
  ';': [';', ';', true, '', false],
  '?': ['?', '&', true, '=', false],
  '&': ['&', '&', true, '=', false],
};

function expression(body: string): { operator: string; variables: Variable[] } {
  const operator = body[0] !== undefined && body[0] in OPERATORS ? body[0] : '';
  const variables = body.slice(operator.length).split(',').map((part) => {
    const [, name = part, explode, length] = /^(.*?)(\*)?(?::(\d{1,4}))?$/.exec(part) ?? [];
    return { name, explode: explode !== undefined, ...(length === undefined ? {} : { length: Number(length) }) };
  });
  return { operator, variables };
}

/** The names of a template's variables, each once. */
export function variablesOf(template: string): string[] {
  return [...new Set([...template.matchAll(EXPRESSION)].flatMap(([, body]) => expression(body!).variables.map(({ name }) => name)))];
}

function encode(text: string, reserved: boolean): string {
  if (!reserved) return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return text.split(/(%[\da-fA-F]{2})/).map((part, index) => (index % 2 ? part : encodeURI(part).replaceAll('%5B', '[').replaceAll('%5D', ']'))).join('');
}

export function expand(template: string, values: Values): string {
  return template.replaceAll(EXPRESSION, (_, body: string) => {
    const { operator, variables } = expression(body);
    const [first, separator, named, empty, reserved] = OPERATORS[operator]!;
    const parts = variables.flatMap(({ name, explode, length }) => {
      const value = values[name];
      if (value === undefined) return [];
      const pair = (key: string, text: string) => (text ? `${key}=${text}` : `${key}${empty}`);
      if (typeof value === 'string') {
        const text = encode(length === undefined ? value : [...value].slice(0, length).join(''), reserved);
        return [named ? pair(name, text) : text];
      }
      const list = Array.isArray(value) ? value.map((item: string) => encode(item, reserved)) : undefined;
      const members = list ? [] : Object.entries(value as Record<string, string>).map(([key, text]) => [encode(key, reserved), encode(text, reserved)] as const);
      if (!(list ?? members).length) return [];
      if (explode) return list ? list.map((item) => (named ? pair(name, item) : item)) : members.map(([key, text]) => (named ? pair(key, text) : `${key}=${text}`));
      const joined = (list ?? members.flat()).join(',');
      return [named ? pair(name, joined) : joined];
    });
    return parts.length ? first + parts.join(separator) : '';
  });
}
