// What hosts do with an answer that is not a result, by the form of the answer.

export type AnswerForm = 'sign_in' | 'step_up' | 'result_challenge' | 'link_in_text' | 'open_link' | 'argument' | 'slow_down' | 'broken' | 'message' | 'tool_error';

export interface HostReaction {
  readonly host: string;
  readonly does: string;
  /** Whether the person gets on from there without help. */
  readonly goes_on: boolean;
}

type Row = readonly [does: string, goes_on: boolean];
const HOSTS = ['Claude', 'ChatGPT', 'Cursor', 'VS Code'] as const;

const TABLE: Record<AnswerForm, readonly [Row, Row, Row, Row]> = {
  sign_in: [
    ['offers Connect, then repeats the call', true],
    ['asks the person to connect again, once', true],
    ['shows “Needs login” at the server', true],
    ['opens the sign-in, then repeats the call', true],
  ],
  step_up: [
    ['signs in again for the scope; Claude Code stores it until /mcp', true],
    ['does not see a 403: it reads the challenge in a result', false],
    ['shows the error; the person signs in again in the settings', false],
    ['opens the sign-in for the scope, then repeats the call', true],
  ],
  result_challenge: [
    ['shows the text of the result to the model', false],
    ['reads the challenge and asks the person to connect', true],
    ['shows the text of the result to the model', false],
    ['shows the text of the result to the model', false],
  ],
  link_in_text: [
    ['the model passes the link on in the chat', true],
    ['the model passes the link on in the chat', true],
    ['the model passes the link on in the chat', true],
    ['the model passes the link on in the chat', true],
  ],
  open_link: [
    ['gets a link in the text instead: it cannot open one itself', true],
    ['gets a link in the text instead: it cannot open one itself', true],
    ['asks the person, opens the link, repeats the call', true],
    ['asks the person, opens the link, repeats the call', true],
  ],
  argument: [
    ['the model reads the rule and calls again', true],
    ['the model reads the rule and calls again', true],
    ['the model reads the rule and calls again', true],
    ['the model reads the rule and calls again', true],
  ],
  slow_down: [
    ['shows the error; the model may try later', true],
    ['shows the error; the model may try later', true],
    ['shows the error; the model may try later', true],
    ['shows the error; the model may try later', true],
  ],
  broken: [
    ['shows that the tool failed', false],
    ['shows that the tool failed', false],
    ['shows that the tool failed', false],
    ['shows that the tool failed', false],
  ],
  message: [
    ['drops the connection and starts another', true],
    ['shows that the connector failed', false],
    ['shows the server in red, with this error', false],
    ['writes it into the output of the server', false],
  ],
  tool_error: [
    ['the model reads the text and decides', true],
    ['the model reads the text and decides', true],
    ['the model reads the text and decides', true],
    ['the model reads the text and decides', true],
  ],
};

export const reactionsTo = (form: AnswerForm): HostReaction[] => HOSTS.map((host, index) => ({ host, does: TABLE[form][index]![0], goes_on: TABLE[form][index]![1] }));
