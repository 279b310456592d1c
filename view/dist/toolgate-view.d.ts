/** `error`: the tool failed, or the host cannot be reached. `cancelled`: the user stopped the call. */
export type Status = 'pending' | 'ready' | 'error' | 'cancelled';
export type Theme = 'light' | 'dark';
export type DisplayMode = 'inline' | 'fullscreen' | 'pip';
/** Who is signed in, and what is missing, as the newest result said it. Never a token. */
export interface Auth {
    readonly subject: string | undefined;
    /** By which name people know them, where the access token says it. */
    readonly account: string | undefined;
    readonly scopes: readonly string[];
    readonly missing: readonly string[];
    /** The link that starts the consent; `connect()` opens it. */
    readonly connect: string | undefined;
}
/** Why there are no props. */
export interface Failure {
    readonly message: string;
    /** A stable word, such as `scope_missing`, `consent_needed` or `host`. */
    readonly kind: string | undefined;
    /** Where the user can put it right. */
    readonly link: string | undefined;
}
/** The tools that a view calls: their arguments and what they return. */
export type Tools<T> = {
    [Name in keyof T]: {
        arguments: object;
        result: unknown;
    };
};
/** Any tool, where none are declared. */
export type AnyTools = {
    [name: string]: {
        arguments: Record<string, unknown>;
        result: any;
    };
};
interface Common<Arguments> {
    /** The tool's arguments; incomplete while the model still writes them. */
    readonly arguments: Partial<Arguments> | undefined;
    readonly auth: Auth;
    readonly theme: Theme;
    /** BCP 47. */
    readonly locale: string;
    readonly displayMode: DisplayMode;
}
/** All that a view shows; a new object at every change. */
export type State<Props, Arguments = Record<string, unknown>> = Common<Arguments> & ({
    readonly status: 'pending' | 'cancelled';
    readonly props: Props | undefined;
    readonly error: undefined;
} | {
    readonly status: 'ready';
    readonly props: Props;
    readonly error: undefined;
} | {
    readonly status: 'error';
    readonly props: Props | undefined;
    readonly error: Failure;
});
export interface View<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>> {
    readonly state: State<Props, Arguments>;
    /** `undefined` while pending. */
    readonly props: Props | undefined;
    readonly status: Status;
    readonly arguments: Partial<Arguments> | undefined;
    readonly error: Failure | undefined;
    readonly auth: Auth;
    readonly theme: Theme;
    readonly locale: string;
    readonly displayMode: DisplayMode;
    /** Calls `f` at once and at every change; returns what ends that. */
    onchange(f: (state: State<Props, Arguments>) => void): () => void;
    /**
     * Calls a tool of the same server, with the user's rights. Calling the view's own tool renews the props.
     * @throws {ToolError} The tool failed or was refused.
     */
    callTool<Name extends keyof T & string>(name: Name, args: T[Name]['arguments']): Promise<T[Name]['result']>;
    /** Calls the view's own tool again, with the same arguments. */
    refresh(): Promise<void>;
    /** Says something in the conversation, as the user. */
    sendMessage(text: string): Promise<void>;
    /** Asks the host to open a link: http or https, without a user's name in it, and to one of `links` if they are given. */
    openLink(url: string): Promise<void>;
    /** Opens the link by which the user grants what is missing; a later call shows whether it was granted. */
    connect(): Promise<void>;
    /** Returns the mode that the host chose. */
    requestDisplayMode(mode: DisplayMode): Promise<DisplayMode>;
}
export interface Options {
    /** The view's own tool, where neither the host nor the page says it. */
    tool?: string;
    /** How the view can be shown; `inline` and `fullscreen` if not given. */
    displayModes?: DisplayMode[];
    /** The origins to which `openLink` leads, as `https://a.example`: for links that come out of data. Any if not given. */
    links?: string[];
    /** `false`: the view does not tell the host its size. */
    autoResize?: boolean;
}
/** A call that failed. */
export declare class ToolError extends Error {
    readonly name = "ToolError";
    /** The scopes that the user would have to grant first. */
    readonly missingScopes: readonly string[];
    /** A stable word, such as `scope_missing`. */
    readonly kind: string | undefined;
    /** Starts the consent, where the server offers one. */
    readonly connect?: () => Promise<void>;
}
/** The view of this page. There is one: a second call returns the same. */
export declare function view<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>>(options?: Options): View<Props, T, Arguments>;
declare global {
    /** What `<script toolgate></script>` defines. */
    var toolgate: {
        view: typeof view;
        ToolError: typeof ToolError;
    };
}
export {};
