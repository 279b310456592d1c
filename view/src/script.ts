import { ToolError, view } from './toolgate-view.ts';

globalThis.toolgate = Object.freeze({ view, ToolError });
