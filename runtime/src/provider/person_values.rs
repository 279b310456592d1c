//! Values of placeholders that a person gives: their own subdomain, or the host of their company.
//!
//! The provider's URLs are templates until a person has given theirs. A value is checked against the
//! pattern of its placeholder each time that a URL is made with it, also when it comes from a store.

use url::Url;

use super::{
    placeholder::{
        FillError, MAX_LABEL_LEN, MAX_SEGMENT_LEN, Placeholder, PlaceholderSource,
        PlaceholderValues, fill,
    },
    registration::Registration,
};

/// What a value may be, for the person who gives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ValueShape {
    /// One label of the host of this URL, in which `…` stands for it.
    Label { url: String },
    /// A host that fits one of these patterns.
    Host { patterns: &'static [&'static str] },
    /// A segment of the path of this URL, in which `…` stands for it.
    Segment { url: String },
}

impl ValueShape {
    /// The most characters that a value may have.
    pub(crate) fn max_len(&self) -> usize {
        match self {
            Self::Label { .. } => MAX_LABEL_LEN,
            // A host (RFC 1035 §2.3.4), and what stands around it in a URL.
            Self::Host { .. } => 253 + "https:///".len(),
            Self::Segment { .. } => MAX_SEGMENT_LEN,
        }
    }
}

impl Registration {
    /// The placeholders whose values people give, each with what it is called.
    pub(crate) fn of_person(&self) -> Vec<(&'static Placeholder, &'static str)> {
        let of_person = self.dialect.placeholders.iter().filter_map(|one| match one.source {
            PlaceholderSource::Person { label } => Some((one, label)),
            _ => None,
        });
        let is_used = |name: &str| {
            let name = format!("{{{name}}}");
            self.urls().any(|url| url.contains(&name))
        };
        of_person.filter(|(one, _)| is_used(one.name)).collect()
    }

    /// Values that each placeholder of a person may have, to check the URLs with.
    pub(crate) fn samples_of_person(&self) -> PlaceholderValues {
        self.of_person().iter().map(|(one, _)| (one.name.to_owned(), one.sample())).collect()
    }

    /// The registration with a person's values in every URL.
    pub(crate) fn for_person(&self, values: &PlaceholderValues) -> Result<Self, FillError> {
        let of_person = self.of_person();
        let of_person = of_person.iter().map(|(placeholder, _)| *placeholder);
        let value = |placeholder: &Placeholder| values.get(placeholder.name).map(String::as_str);
        let mut filled = self.clone();
        for url in filled.urls_mut() {
            let of_url = fill(url, of_person.clone(), self.installation(), value)?;
            *url = self.at_stand_in(of_url);
        }
        Ok(filled)
    }

    /// Whether a grant with these values belongs to another address than the one that the operator has
    /// set for all people.
    pub(crate) fn contradicts(&self, values: &PlaceholderValues) -> bool {
        let differs = |one: &Placeholder| {
            let both = self.values.get(one.name).zip(values.get(one.name));
            one.is_of_person() && both.is_some_and(|(given, value)| given != value)
        };
        self.dialect.placeholders.iter().any(differs)
    }

    /// What a person may give as the value of a placeholder.
    pub(crate) fn shape_of(&self, placeholder: &Placeholder) -> ValueShape {
        if !placeholder.hosts.is_empty() {
            return ValueShape::Host { patterns: placeholder.hosts };
        }
        let name = format!("{{{}}}", placeholder.name);
        let mut segment = String::new();
        for url in self.urls() {
            let Some((before, after)) = url.split_once(&name) else { continue };
            let shown = self.at_provider(before);
            // If a value is used in several places, the strictest one decides.
            if self.installation().ends_in_host(before) {
                let host = after.split('/').next().unwrap_or_default();
                return ValueShape::Label { url: format!("{shown}…{host}") };
            }
            if segment.is_empty() {
                segment = format!("{shown}…");
            }
        }
        ValueShape::Segment { url: segment }
    }

    /// The beginning of the provider's own URL, also if a stand-in takes its place.
    fn at_provider(&self, url: &str) -> String {
        let stand_in = self.installation().stand_in;
        match stand_in.and_then(|stand_in| url.strip_prefix(stand_in)) {
            Some(host) => format!("https://{}", host.trim_start_matches('/')),
            None => url.to_owned(),
        }
    }

    /// The value that a person means by what they typed, if the placeholder may have it. Then every
    /// URL can be made with it.
    pub(crate) fn read_value(&self, placeholder: &Placeholder, typed: &str) -> Option<String> {
        let typed = typed.trim();
        let value = match self.shape_of(placeholder) {
            ValueShape::Host { .. } if !typed.contains("://") => format!("https://{typed}"),
            ValueShape::Host { .. } | ValueShape::Segment { .. } => typed.to_owned(),
            ValueShape::Label { .. } => typed.to_ascii_lowercase(),
        };
        let mut values = self.samples_of_person();
        values.insert(placeholder.name.to_owned(), value.clone());
        self.for_person(&values).ok()?.check().ok()?;
        if placeholder.hosts.is_empty() {
            return Some(value);
        }
        let url = Url::parse(&value).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::{any::TypeId, collections::BTreeMap};

    use super::*;
    use crate::provider::{Dialect, StandInAddress};

    const SHOP: Placeholder =
        Placeholder::new("shop", PlaceholderSource::Person { label: "Your shop" });
    const SITE: Placeholder =
        Placeholder::new("site", PlaceholderSource::Person { label: "Your site" })
            .hosts(&["*.sites.example", "*.eu.sites.example"]);
    const DIALECT: Dialect = Dialect::STANDARD.placeholders(&[SHOP, SITE]);

    fn registration(base: &str, api: &str) -> Registration {
        Registration {
            type_id: TypeId::of::<()>(),
            type_name: "Shops",
            id: "shops",
            name: "Shops",
            api: api.to_owned(),
            authorize: format!("{base}/authorize"),
            token: format!("{base}/token"),
            refresh: None,
            revoke: Some(format!("{base}/revoke/{{client_id}}")),
            issuer: None,
            catalogue: &[],
            dialect: &DIALECT,
            profile: None,
            stand_in: None,
            awaits_stand_in: false,
            is_from_env: false,
            client_id: "id".to_owned(),
            secret: None,
            values: BTreeMap::new(),
        }
    }

    fn of_shop() -> Registration {
        registration(
            "https://{shop}.shops.example/oauth",
            "https://{shop}.shops.example/api/{shop}",
        )
    }

    fn values(pairs: &[(&str, &str)]) -> PlaceholderValues {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_value_has_to_fit_into_every_url() {
        let filled = of_shop().for_person(&values(&[("shop", "acme")])).unwrap();
        assert_eq!(filled.api, "https://acme.shops.example/api/acme");
        assert_eq!(filled.authorize, "https://acme.shops.example/oauth/authorize");
        assert_eq!(filled.token, "https://acme.shops.example/oauth/token");
        let revoke = "https://acme.shops.example/oauth/revoke/{client_id}";
        assert_eq!(filled.revoke.as_deref(), Some(revoke));
        assert!(filled.of_person().is_empty());
        let missing = of_shop().for_person(&values(&[("site", "acme")])).unwrap_err();
        assert_eq!(missing, FillError::Missing("shop"));
        let refused = of_shop().for_person(&values(&[("shop", "evil.example/")])).unwrap_err();
        assert_eq!(refused, FillError::NotAllowed("shop"));
    }

    #[test]
    fn what_a_person_types_is_one_label() {
        let read = |typed: &str| of_shop().read_value(&SHOP, typed);
        assert_eq!(read(" Acme-1 ").as_deref(), Some("acme-1"));
        for typed in [
            "",
            " ",
            "acme.shops.example",
            "https://acme.shops.example",
            "evil.example#",
            "evil.example/",
            "evil.example:443",
            "evil.example\\",
            "alice@evil",
            "alice:secret@evil.example/",
            "127.0.0.1",
            "localhost:1",
            "[::1]",
            "169.254.169.254/",
            "a?b",
            "%61cme",
            "..",
            "аcme",
            "xn--",
            "a\tb",
            "{shop}",
        ] {
            assert_eq!(read(typed), None, "{typed}");
        }
        assert_eq!(read(&"x".repeat(64)), None);
    }

    #[test]
    fn what_a_person_types_is_a_host_of_the_pattern() {
        let site = registration("{site}/oauth", "{site}/rest");
        let read = |typed: &str| site.read_value(&SITE, typed);
        for typed in ["acme.sites.example", "https://ACME.sites.example/", " acme.sites.example/ "]
        {
            assert_eq!(read(typed).as_deref(), Some("https://acme.sites.example"), "{typed}");
        }
        for typed in [
            "",
            "acme",
            "sites.example",
            "http://acme.sites.example",
            "acme.sites.example:8443",
            "acme.sites.example/rest",
            "alice@acme.sites.example",
            "alice:secret@acme.sites.example",
            "acme.sites.example.evil.example",
            "acme.sites.example@evil.example",
            "evil.example/.sites.example",
            "evil.example?.sites.example",
            "evil.example#.sites.example",
            "evil.example\\.sites.example",
            "127.0.0.1",
            "http://127.0.0.1:1",
            "http://localhost:1",
            "[::1]",
            "169.254.169.254",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert_eq!(read(typed), None, "{typed}");
        }
        let local = registration("http://127.0.0.1:9/oauth", "{site}/rest");
        assert_eq!(
            local.read_value(&SITE, "http://127.0.0.1:1"),
            None,
            "not in development either"
        );
    }

    #[test]
    fn a_stand_in_has_the_same_values_and_keeps_the_requests() {
        let stand_in = StandInAddress { url: "http://127.0.0.1:9".into(), keep_alive: None };
        let mut shop = of_shop();
        let shape = shop.shape_of(&SHOP);
        assert_eq!(shape, ValueShape::Label { url: "https://….shops.example".to_owned() });
        shop.move_to(stand_in.clone());
        assert_eq!(shop.shape_of(&SHOP), shape);
        assert_eq!(shop.read_value(&SHOP, "a.b"), None);
        let filled = shop.for_person(&values(&[("shop", "acme")])).unwrap();
        assert_eq!(filled.token, "http://127.0.0.1:9/acme.shops.example/oauth/token");
        let mut site = registration("{site}/oauth", "{site}/rest");
        site.move_to(stand_in);
        let value = site.read_value(&SITE, "acme.sites.example").unwrap();
        let filled = site.for_person(&values(&[("site", &value)])).unwrap();
        assert_eq!(filled.token, "http://127.0.0.1:9/acme.sites.example/oauth/token");
        assert_eq!(filled.api, "http://127.0.0.1:9/acme.sites.example/rest");
    }

    #[test]
    fn a_value_that_the_operator_sets_holds_for_all_people() {
        let mut shop = of_shop();
        shop.values.insert("shop".to_owned(), "acme".to_owned());
        let shop = shop.resolve().unwrap();
        assert!(shop.of_person().is_empty());
        assert_eq!(shop.token, "https://acme.shops.example/oauth/token");
        assert!(shop.contradicts(&values(&[("shop", "other")])));
        assert!(!shop.contradicts(&values(&[("shop", "acme")])));
        assert!(!shop.contradicts(&values(&[])));
    }
}
