import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expand, variablesOf } from '../../src/form/uri_template.ts';

const values = { var: 'value', hello: 'Hello World!', path: '/foo/bar', empty: '', x: '1024', y: '768', list: ['red', 'green', 'blue'], keys: { semi: ';', dot: '.', comma: ',' }, half: '50%', none: [] };

// https://github.com/modelcontextprotocol/inspector/issues/1919, and the examples of RFC 6570 §1.2 and §3.2
test('1919: the template of a resource is expanded as RFC 6570 says', () => {
  const cases: Record<string, string> = {
    '{var}': 'value', '{hello}': 'Hello%20World%21', '{half}': '50%25', 'O{empty}X': 'OX', 'O{undef}X': 'OX', '{x,y}': '1024,768', '{var:3}': 'val', '{var:30}': 'value',
    '{list}': 'red,green,blue', '{list*}': 'red,green,blue', '{keys}': 'semi,%3B,dot,.,comma,%2C', '{keys*}': 'semi=%3B,dot=.,comma=%2C', '{none}': '',
    '{+var}': 'value', '{+hello}': 'Hello%20World!', '{+half}': '50%25', '{+path}/here': '/foo/bar/here', 'here?ref={+path}': 'here?ref=/foo/bar', '{+path:6}/here': '/foo/b/here', '{+keys*}': 'semi=;,dot=.,comma=,',
    'X{#var}': 'X#value', '{#path,x}/here': '#/foo/bar,1024/here', 'X{.var:3}': 'X.val', 'X{.list*}': 'X.red.green.blue', '{/var,x}/here': '/value/1024/here', '{/var:1,var}': '/v/value', '{/list*,path:4}': '/red/green/blue/%2Ffoo',
    '{;x,y,empty}': ';x=1024;y=768;empty', '{;list}': ';list=red,green,blue', '{;list*}': ';list=red;list=green;list=blue', '{?x,y}': '?x=1024&y=768', '{?x,y,empty}': '?x=1024&y=768&empty=', '{?list*}': '?list=red&list=green&list=blue', '{?keys*}': '?semi=%3B&dot=.&comma=%2C', '?fixed=yes{&x}': '?fixed=yes&x=1024',
  };
  for (const [template, expected] of Object.entries(cases)) assert.equal(expand(template, values), expected, template);
  assert.deepEqual(variablesOf('db://{schema}/{+table}{?limit,schema}{&keys*}{x:3}'), ['schema', 'table', 'limit', 'keys', 'x']);
});
