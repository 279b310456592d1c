//! `placeholders(tenant(from = configuration, default = "common"))`

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use syn::{Ident, LitStr, Meta};

use super::{
    Attribute, Group,
    endpoint::Endpoint,
    token_endpoint::Pointer,
    value::{Text, Texts, list_of, word, written},
};

attribute! {
    struct PlaceholderArgs {
        from: Option<Source>,
        default: Option<Text>,
        label: Option<Text>,
        pointer: Option<Pointer>,
        url: Option<Endpoint>,
        hosts: Option<Hosts>,
    }
}

impl Attribute for PlaceholderArgs {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "placeholders";
}

/// A name in braces in the provider's URLs.
pub(crate) struct Placeholder {
    pub(crate) name: Ident,
    pub(crate) args: PlaceholderArgs,
    pub(crate) source: Source,
}

/// The placeholders of a provider.
#[derive(Default)]
pub(crate) struct Placeholders(pub(crate) Vec<Placeholder>);

impl FromMeta for Placeholders {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = "(tenant(from = configuration))";
        let mut all: Vec<Placeholder> = Vec::new();
        for item_of in NestedMeta::parse_meta_list(list_of(item, form)?.clone())? {
            let NestedMeta::Meta(meta) = &item_of else {
                return Err(written(item.path(), form).with_span(&item_of));
            };
            let name = meta.path().get_ident().cloned();
            let name = name.ok_or_else(|| written(item.path(), form).with_span(meta.path()))?;
            let word = name.to_string();
            if word == "client_id" || word == "token" || word.contains(char::is_uppercase) {
                let message = format!(
                    "a placeholder cannot be named `{word}`\nhelp: write a word in lower case, other than `client_id` and `token`"
                );
                return Err(Error::custom(message).with_span(&name));
            }
            if all.iter().any(|other| other.name == name) {
                let message = format!("the placeholder `{word}` is declared twice");
                return Err(Error::custom(message).with_span(&name));
            }
            let Group { value: args, .. } = Group::<PlaceholderArgs>::from_meta(meta)?;
            let source = args.check().map_err(|message| Error::custom(message).with_span(&name))?;
            all.push(Placeholder { name, args, source });
        }
        Ok(Self(all))
    }
}

impl PlaceholderArgs {
    /// The source, if the placeholder has the keys for it and no others.
    fn check(&self) -> std::result::Result<Source, String> {
        let source = self.from.ok_or(
            "this placeholder has no `from`\nhelp: add `from = configuration`, `from = person`, `from = token_response` or `from = api`",
        )?;
        for (key, is_there, of, form) in [
            ("label", self.label.is_some(), &[Source::Person][..], "label = \"Your subdomain\""),
            (
                "pointer",
                self.pointer.is_some(),
                &[Source::TokenResponse, Source::Api],
                "pointer = \"/instance_url\"",
            ),
            ("url", self.url.is_some(), &[Source::Api], "url = \"https://example.com/sites\""),
        ] {
            let needed = of.contains(&source);
            if needed && !is_there {
                return Err(format!("this placeholder has no `{key}`\nhelp: add `{form}`"));
            }
            if !needed && is_there {
                return Err(format!(
                    "a placeholder with this `from` takes no `{key}`\nhelp: remove it"
                ));
            }
        }
        if self.default.is_some() && source != Source::Configuration {
            return Err(
                "only a placeholder with `from = configuration` takes a `default`\nhelp: remove it"
                    .into(),
            );
        }
        Ok(source)
    }
}

/// `from = configuration`: where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Configuration,
    Person,
    TokenResponse,
    Api,
}

impl FromMeta for Source {
    fn from_meta(item: &Meta) -> Result<Self> {
        let words = [
            ("configuration", Self::Configuration),
            ("person", Self::Person),
            ("token_response", Self::TokenResponse),
            ("api", Self::Api),
        ];
        word(item, &words)
    }
}

/// `hosts("*.my.example.com")`
pub(crate) struct Hosts(pub(crate) Vec<LitStr>);

impl FromMeta for Hosts {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Texts(hosts) = Texts::from_meta(item)?;
        match hosts.iter().find(|host| !is_host_pattern(&host.value())) {
            Some(host) => {
                let message = format!(
                    "`{}` is not a pattern of hosts\nhelp: write `*.my.example.com`: labels in lower case, where `*` is a whole label and the last two are fixed",
                    host.value()
                );
                Err(Error::custom(message).with_span(host))
            }
            None if hosts.is_empty() => {
                Err(written(item.path(), "(\"*.my.example.com\")").with_span(item.path()))
            }
            None => Ok(Self(hosts)),
        }
    }
}

/// Whether a pattern has labels or `*`, where the last two are labels: then one owner has all its
/// hosts.
fn is_host_pattern(host: &str) -> bool {
    let fits_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(fits_label);
    let labels: Vec<&str> = host.rsplit('.').collect();
    let (fixed, free) = labels.split_at(labels.len().min(2));
    fixed.len() == 2
        && fixed.iter().all(|label| is_label(label))
        && free.iter().all(|label| *label == "*" || is_label(label))
}
