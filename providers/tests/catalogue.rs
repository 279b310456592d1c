//! What holds for every provider of the catalogue, and the table of `docs/providers.md`.
//!
//! `BLESS=1 cargo test -p toolgate-providers --test catalogue` writes the table.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use toolgate::{
    provider::{
        ClientAuth, Dialect, Provider, RefreshTokens, Revocation, RevocationMethod, TokenPlace,
    },
    scope::Scope,
};

/// What the compiler knows of a provider, and the text of its module.
struct Entry {
    module: &'static str,
    type_name: &'static str,
    name: &'static str,
    id: &'static str,
    endpoints: Vec<(&'static str, &'static str)>,
    api: &'static str,
    authorize: &'static str,
    revoke: Option<&'static str>,
    scopes: &'static [Scope],
    dialect: Dialect,
    source: String,
}

fn entry<P: Provider>(module: &'static str, type_name: &'static str) -> Entry {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{module}.rs"));
    let endpoints = [
        ("api", Some(P::API)),
        ("authorize", Some(P::AUTHORIZE)),
        ("token", Some(P::TOKEN)),
        ("revoke", P::REVOKE),
        ("refresh", P::DIALECT.refresh),
    ];
    Entry {
        module,
        type_name,
        name: P::NAME,
        id: P::ID,
        endpoints: endpoints.into_iter().filter_map(|(key, url)| Some((key, url?))).collect(),
        api: P::API,
        authorize: P::AUTHORIZE,
        revoke: P::REVOKE,
        scopes: P::SCOPES,
        dialect: P::DIALECT,
        source: read(&path),
    }
}

/// The text of a file, with line feeds.
fn read(path: &Path) -> String {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\r\n", "\n")
}

/// All providers, which one macro lists: another test compares it with the files.
fn entries() -> Vec<Entry> {
    macro_rules! entries {
        ($($module:ident::$provider:ident,)*) => {
            vec![$(entry::<toolgate_providers::$provider>(stringify!($module), stringify!($provider))),*]
        };
    }
    entries![
        airtable::Airtable,
        asana::Asana,
        atlassian::Atlassian,
        box_com::BoxCom,
        discord::Discord,
        dropbox::Dropbox,
        figma::Figma,
        github::GitHub,
        github_app::GitHubApp,
        gitlab::GitLab,
        google::Google,
        hubspot::HubSpot,
        linear::Linear,
        microsoft::Microsoft,
        notion::Notion,
        salesforce::Salesforce,
        slack::Slack,
        slack_bot::SlackBot,
        spotify::Spotify,
        stripe::Stripe,
        x::X,
        zoom::Zoom,
    ]
}

impl Entry {
    /// The module's documentation.
    fn docs(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }

    /// The section of the module's documentation with this heading.
    fn section(&self, heading: &str) -> String {
        let docs = self.docs();
        let (_, rest) = docs
            .split_once(&format!("\n# {heading}\n"))
            .unwrap_or_else(|| panic!("src/{}.rs has no section `# {heading}`", self.module));
        rest.split("\n# ").next().unwrap_or_default().to_owned()
    }

    /// The provider's page, which the module's documentation links.
    fn page(&self) -> &str {
        let link = self.source.lines().find_map(|line| {
            let (words, url) = line.strip_prefix("//! [")?.split_once("](")?;
            words.ends_with("'s documentation").then(|| url.trim_end_matches(')'))
        });
        link.unwrap_or_else(|| panic!("src/{}.rs links no documentation", self.module))
    }
}

#[test]
fn every_module_is_a_feature_and_exported_and_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules: BTreeSet<String> = fs::read_dir(root.join("src"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|module| module != "lib")
        .collect();
    let listed: BTreeSet<String> = entries().iter().map(|entry| entry.module.to_owned()).collect();
    assert_eq!(listed, modules, "`entries!` in this test lists every file of src");

    let manifest = read(&root.join("Cargo.toml"));
    let all = manifest.split_once("\nall = [").unwrap().1.split_once(']').unwrap().0.to_owned();
    let all: BTreeSet<String> =
        all.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect();
    let features: BTreeSet<String> =
        modules.iter().map(|module| module.replace('_', "-")).collect();
    let all: BTreeSet<String> = all.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(all, features, "the feature `all` has every module");

    let lib = read(&root.join("src/lib.rs"));
    for entry in entries() {
        let feature = entry.module.replace('_', "-");
        assert!(manifest.contains(&format!("\n{feature} = []\n")), "no feature `{feature}`");
        let cfg = format!("#[cfg(feature = \"{feature}\")]\npub");
        let module = format!("{cfg} mod {};", entry.module);
        let export = format!("{cfg} use crate::{}::{};", entry.module, entry.type_name);
        assert!(lib.contains(&module) && lib.contains(&export), "src/lib.rs lacks {feature}");
    }
}

#[test]
fn every_module_says_how_to_register_a_client_and_identify_a_person() {
    for entry in entries() {
        let steps = entry.section("Register a client");
        let variable = entry.id.to_uppercase().replace('-', "_");
        for wanted in [
            "1. ".to_owned(),
            format!("https://tools.example/callback/{}", entry.id),
            format!("`{variable}_CLIENT_ID`"),
            "](https://".to_owned(),
        ] {
            assert!(steps.contains(&wanted), "{}: no `{wanted}` in the steps", entry.module);
        }
        let person = entry.section("Identify a person");
        assert!(
            person.contains("broker.user(\"/") || person.contains("not for a broker"),
            "{}: {person}",
            entry.module
        );
        entry.section("Tokens");
        let example = entry.section("Example");
        for wanted in ["#[tool(", &format!("AuthedClient<{}>", entry.type_name)] {
            assert!(example.contains(wanted), "{}: no `{wanted}` in the example", entry.module);
        }
    }
}

#[test]
fn every_claim_has_a_page_of_the_provider() {
    for entry in entries() {
        let page = entry.page();
        assert!(page.starts_with("https://"), "{}: {page}", entry.module);
        let comments: Vec<_> =
            entry.source.lines().filter(|line| line.trim_start().starts_with("// ")).collect();
        let comments = comments.join("\n");
        let pages = comments.matches("https://").count();
        assert!(pages >= 2, "{}: comments name {pages} pages", entry.module);
    }
}

#[test]
fn endpoints_are_https_and_without_a_slash_at_the_end() {
    for entry in entries() {
        for (key, url) in &entry.endpoints {
            // An API whose address comes with the token is checked when it comes.
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix('{'));
            assert!(
                rest.is_some_and(|rest| !rest.is_empty()) && !url.ends_with('/'),
                "{}: {key} = {url}",
                entry.module
            );
        }
        assert!(entry.authorize.split('?').count() == 1, "{}", entry.module);
        assert!(!entry.api.contains('?'), "{}", entry.module);
    }
}

#[test]
fn scopes_are_unique_and_described_in_words() {
    let ids: BTreeSet<_> = entries().iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), entries().len(), "two providers have one id");
    for entry in entries() {
        let names: BTreeSet<_> = entry.scopes.iter().map(|scope| scope.name).collect();
        assert_eq!(names.len(), entry.scopes.len(), "{}: a scope twice", entry.module);
        let descriptions: BTreeSet<_> =
            entry.scopes.iter().map(|scope| scope.description).collect();
        assert_eq!(
            descriptions.len(),
            entry.scopes.len(),
            "{}: two scopes with one description",
            entry.module
        );
        for scope in entry.scopes {
            let text = scope.description;
            let fine = text.starts_with(|first: char| first.is_uppercase())
                && text.ends_with(['.', ')'])
                && (10..=140).contains(&text.len())
                && !text.contains('\n');
            assert!(fine, "{}: `{}`: {text:?}", entry.module, scope.name);
        }
        let with_access = entry.source.matches("access = ").count();
        assert_eq!(entry.scopes.len(), with_access, "{}: a scope without an access", entry.module);
    }
}

#[test]
fn implications_are_sound() {
    for entry in entries() {
        for (index, scope) in entry.scopes.iter().enumerate() {
            for &implied in scope.implies {
                let other = &entry.scopes[implied];
                assert!(implied != index, "{}: `{}` implies itself", entry.module, scope.name);
                assert!(other.access <= scope.access, "{}: `{}`", entry.module, scope.name);
                assert!(!other.implies.contains(&index), "{}: `{}`", entry.module, scope.name);
            }
        }
    }
}

/// Providers that have fewer than eight scopes for tools, or none at all.
const FEW_SCOPES: [&str; 2] = ["notion", "stripe"];

#[test]
fn a_provider_has_the_scopes_that_tools_need() {
    for entry in entries() {
        let few = FEW_SCOPES.contains(&entry.module);
        assert_eq!(entry.scopes.len() < 8, few, "{}: {}", entry.module, entry.scopes.len());
    }
}

/// How tokens are refreshed, in words.
fn refresh(dialect: &Dialect) -> String {
    let RefreshTokens { rotates, leeway, revokes_access_token, .. } = dialect.refresh_tokens;
    let mut words = vec![match (rotates, leeway.as_secs()) {
        (false, _) => "stays".to_owned(),
        (true, 0) => "rotates".to_owned(),
        (true, seconds) => format!("rotates, {} min leeway", seconds / 60),
    }];
    if revokes_access_token {
        words.push("ends the old access token".to_owned());
    }
    if dialect.refresh.is_some() {
        words.push("at another URL".to_owned());
    }
    words.join("; ")
}

/// How tokens are revoked, in words.
fn revocation(entry: &Entry) -> String {
    let Some(url) = entry.revoke else { return "none".to_owned() };
    let Revocation { method, token, .. } = entry.dialect.revocation;
    let method = match method {
        RevocationMethod::Get => "GET ",
        RevocationMethod::Delete => "DELETE ",
        _ => "",
    };
    let token = if token == TokenPlace::Bearer { ", with the token itself" } else { "" };
    format!("`{method}{}`{token}", without_scheme(url))
}

fn without_scheme(url: &str) -> &str {
    url.trim_start_matches("https://")
}

/// One row of the table.
fn row(entry: &Entry) -> String {
    let dialect = &entry.dialect;
    let token = entry.endpoints.iter().find(|(key, _)| *key == "token").map_or("", |(_, url)| url);
    let client = if dialect.client_auth == ClientAuth::Basic { "Basic" } else { "body" };
    let pkce = if dialect.pkce { "yes" } else { "no" };
    format!(
        "| [{}]({}) | `{}` | `{}` | `{}` | `{}` | {client} | {pkce} | {} | {} | {} |",
        entry.name,
        entry.page(),
        entry.type_name,
        without_scheme(entry.api),
        without_scheme(entry.authorize),
        without_scheme(token),
        entry.scopes.len(),
        refresh(dialect),
        revocation(entry),
    )
}

#[test]
fn the_table_of_providers_is_current() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/providers.md");
    let page = read(&path);
    let rows: Vec<String> = entries().iter().map(row).collect();
    let (before, rest) = page.split_once("<!-- providers -->\n").expect("the table's begin");
    let (_, after) = rest.split_once("<!-- end of providers -->").expect("the table's end");
    let head = "| provider | type | API | authorization | token | client | PKCE | scopes | refresh token | revocation |\n|---|---|---|---|---|---|---|---|---|---|";
    let current = format!(
        "{before}<!-- providers -->\n{head}\n{}\n<!-- end of providers -->{after}",
        rows.join("\n")
    );
    if env::var_os("BLESS").is_some() {
        fs::write(path, current).unwrap();
    } else {
        let advice = "`BLESS=1 cargo test -p toolgate-providers --test catalogue` writes the table";
        assert!(page == current, "{advice} of docs/providers.md");
    }
}
