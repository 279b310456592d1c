// What the types promise; compiled, never run.
import { ToolError, view } from 'toolgate-view';
import { useToolgate } from 'toolgate-view/react';
import type { Node, Tools as Declared, Tools2 } from './declared.ts';

interface Props {
  issues: { number: number; title: string }[];
}
interface Tools {
  close_issue: { arguments: { number: number }; result: { state: 'open' | 'closed' } };
}

const own = view<Props, Tools, { owner: string }>();
// @ts-expect-error pending: there may be none
own.props.issues;
own.onchange((state) => {
  if (state.status === 'ready') state.props.issues[0]?.title.trim();
  if (state.status === 'error') state.error.message.trim();
  // @ts-expect-error partial
  state.arguments?.owner.trim();
});
own.callTool('close_issue', { number: 1 }).then(({ state }) => state === 'closed');
// @ts-expect-error no such tool
own.callTool('close_isue', { number: 1 });
// @ts-expect-error not a number
own.callTool('close_issue', { number: '1' });
own.callTool('close_issue', { number: 1 }).catch((error: unknown) => {
  if (error instanceof ToolError) error.missingScopes.join();
});

// Without declared tools any may be called.
globalThis.toolgate.view<Props>().callTool('anything', { a: 1 }).then((result) => result.b);

const { status, props, callTool } = useToolgate<Props, Tools>();
if (status === 'ready') props.issues.length;
// @ts-expect-error no argument
callTool('close_issue', {});

// What the server writes, for types that are odd; the crate's tests keep it.
const declared = view<Node, Declared>();
declared.props?.children[0]?.children[0]?.name.trim();
declared.callTool('perhaps', {}).then(({ result }) => result?.children.length);
declared.callTool('other', {}).then(({ result }) => (typeof result === 'number' ? result : result.length));
declared.callTool('all', {}).then((all: Tools2) => {
  all.label.trim();
  all.another?.toFixed();
  all.counts[0]?.a?.toFixed();
  // @ts-expect-error an element may be null
  all.counts[0].a;
});
