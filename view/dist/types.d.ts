/** `error`: the tool failed, or the host cannot be reached. `cancelled`: the user stopped the call. */
export type Status = 'pending' | 'ready' | 'error' | 'cancelled';
export type Theme = 'light' | 'dark';
export type DisplayMode = 'inline' | 'fullscreen' | 'pip';
/** Who is signed in, and which scopes are missing, from the last result. It never has a token. */
export interface Auth {
    readonly subject: string | undefined;
    /** The name of the account, if the access token has one. */
    readonly account: string | undefined;
    readonly scopes: readonly string[];
    readonly missing: readonly string[];
    /** The link that starts the consent; `connect()` opens it. */
    readonly connect: string | undefined;
}
/** Why there are no props. */
export interface Failure {
    readonly message: string;
    /** A stable identifier, such as `scope_missing`, `consent_needed` or `host`. */
    readonly kind: string | undefined;
    /** The link at which the user can grant what is missing. */
    readonly link: string | undefined;
}
/** The tools that a view calls: their arguments and what they return. */
export type Tools<T> = {
    [Name in keyof T]: {
        arguments: object;
        result: unknown;
    };
};
/** The tools of a view that declares none: any. */
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
/** The state of a view; a new object at every change. */
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
    /** Calls `f` at once and at every change. Returns a function that unsubscribes. */
    onchange(f: (state: State<Props, Arguments>) => void): () => void;
    /**
     * Calls a tool of the same server, with the rights of the user. A call of the view's own tool updates the props.
     * @throws {ToolError} The tool failed or was refused.
     */
    callTool<Name extends keyof T & string>(name: Name, args: T[Name]['arguments']): Promise<T[Name]['result']>;
    /** Calls the view's own tool again, with the same arguments. */
    refresh(): Promise<void>;
    /** Sends a message to the conversation, as the user. */
    sendMessage(text: string): Promise<void>;
    /** Asks the host to open an http or https link without a user name in it; with `links`, only one to these origins. */
    openLink(url: string): Promise<void>;
    /** Opens the link by which the user grants what is missing. A later call shows whether it was granted. */
    connect(): Promise<void>;
    /** Requests a display mode. Returns the one that the host chose. */
    requestDisplayMode(mode: DisplayMode): Promise<DisplayMode>;
}
export interface Options {
    /** The view's own tool, if neither the host nor the page names it. */
    tool?: string;
    /** The display modes that the view supports; `inline` and `fullscreen` by default. */
    displayModes?: DisplayMode[];
    /** The origins that `openLink` opens, such as `https://a.example`, for links that come from data. Any by default. */
    links?: string[];
    /** `false`: the view does not report its size to the host. */
    autoResize?: boolean;
}
export {};
