//! The URLs of a provider and its placeholders, validated together.

use proc_macro2::Span;
use syn::{Error, LitStr};

use crate::{
    args::{
        placeholder::{Placeholder, Source},
        provider::ProviderArgs,
    },
    errors::Errors,
    suggest,
};

/// The names that the revocation endpoint may have in braces, in addition to placeholders.
const OF_REVOCATION: [&str; 2] = ["client_id", "token"];

/// Checks keys that depend on each other, and the placeholders in URLs.
pub(crate) fn check(args: &ProviderArgs, errors: &mut Errors) {
    let conditions = [&args.rate_limited, &args.invalid_token, &args.api_error];
    for condition in conditions.into_iter().flatten() {
        errors.take(condition.value.check(condition.key));
    }
    if let Some(condition) = &args.insufficient_scope {
        errors.take(condition.value.condition.check(condition.key));
    }
    if let Some(account) = &args.account {
        errors.take(account.value.check(account.key));
    }
    if let Some(revocation) = &args.revocation {
        let url = args.revoke.as_ref().map(|revoke| revoke.0.value());
        errors.take(revocation.value.check(revocation.key, url.as_deref()));
    }
    for separator in [&args.scope_separator, &args.response_scope_separator].into_iter().flatten() {
        if separator.0.value().is_empty() {
            let message = "the separator of scopes is empty\nhelp: write the separator: `\",\"`";
            errors.push(Error::new(separator.0.span(), message));
        }
    }
    check_urls(args, errors);
}

/// Checks that every name in braces is declared and allowed in its place, and that every
/// placeholder is used.
fn check_urls(args: &ProviderArgs, errors: &mut Errors) {
    let declared = args.placeholders.as_ref().map_or(&[][..], |all| &all.0);
    let mut used = Vec::new();
    let before = errors.len();
    for (key, endpoint) in [
        ("api", &args.api),
        ("authorize", &args.authorize),
        ("token", &args.token),
        ("refresh", &args.refresh),
        ("revoke", &args.revoke),
    ] {
        let Some(endpoint) = endpoint else { continue };
        let url = endpoint.0.value();
        let Some(names) = errors.take(names_in(&url, endpoint.0.span())) else { continue };
        for (at, name) in names {
            let found = declared.iter().find(|placeholder| placeholder.name == name);
            let result = match found {
                Some(placeholder) => check_place(key, placeholder, &endpoint.0, at, name),
                None if key == "revoke" && OF_REVOCATION.contains(&name) => {
                    check_in_path(&endpoint.0, at, name)
                }
                None => Err(undeclared(name, declared, endpoint.0.span())),
            };
            errors.take(result);
            used.push(name.to_owned());
        }
    }
    // A misspelt name would be reported as unused too.
    if errors.len() > before {
        return;
    }
    for Placeholder { name, .. } in declared {
        if !used.iter().any(|used| name == used) {
            let message = format!(
                "no URL has the placeholder `{{{name}}}`\nhelp: write it in `api`, `authorize` or `token`, or remove it"
            );
            errors.push(Error::new(name.span(), message));
        }
    }
}

fn undeclared(name: &str, declared: &[Placeholder], span: Span) -> Error {
    let known: Vec<String> = declared.iter().map(|other| other.name.to_string()).collect();
    let help = if known.is_empty() {
        format!("add `placeholders({name}(from = configuration))`")
    } else {
        suggest::help(name, known.iter().map(String::as_str), "the placeholders are")
    };
    Error::new(span, format!("the placeholder `{{{name}}}` is not declared\nhelp: {help}"))
}

/// The names in braces, each with the index of its opening brace.
fn names_in(url: &str, span: Span) -> Result<Vec<(usize, &str)>, Error> {
    let mut names = Vec::new();
    let mut rest = 0;
    while let Some(open) = url[rest..].find(['{', '}']).map(|at| rest + at) {
        let close = url[open..].find('}').map(|at| open + at);
        let Some(close) = close.filter(|&close| close > open + 1) else {
            let message = "a brace in a URL begins a placeholder: `{tenant}`";
            return Err(Error::new(span, message));
        };
        names.push((open, &url[open + 1..close]));
        rest = close + 1;
    }
    Ok(names)
}

/// Checks that the value is known when the URL is needed, and that it cannot change the host.
fn check_place(
    key: &str,
    placeholder: &Placeholder,
    url: &LitStr,
    at: usize,
    name: &str,
) -> Result<(), Error> {
    let error = |message: String| Err(Error::new(url.span(), message));
    if matches!(placeholder.source, Source::TokenResponse | Source::Api) && key != "api" {
        return error(format!(
            "`{{{name}}}` is known only after an account is connected\nhelp: use it in `api`, not in `{key}`"
        ));
    }
    let value = url.value();
    match (at, &placeholder.args.hosts) {
        (0, None) => {
            return error(format!(
                "the hosts of `{{{name}}}` are not restricted, and tokens are sent to them\nhelp: add `hosts(\"*.my.example.com\")` to the placeholder"
            ));
        }
        (0, Some(_)) => {
            let after = &value[name.len() + 2..];
            if after.is_empty() || after.starts_with('/') {
                return Ok(());
            }
            return error(format!("the path after `{{{name}}}` must begin with `/`"));
        }
        (_, Some(_)) => {
            return error(format!(
                "`{{{name}}}` is a scheme with a host, so the URL must begin with it"
            ));
        }
        (_, None) => {}
    }
    let begin = value.find("://").map_or(0, |at| at + 3);
    let end = value[begin..].find(['/', '?', '#']).map_or(value.len(), |at| begin + at);
    if at > end {
        return check_in_path(url, at, name);
    }
    let after = &value[at + name.len() + 2..end];
    let whole = value[..at].ends_with(['/', '.']) && after.starts_with('.');
    if !whole || after.matches('.').count() < 2 || after.contains(['{', '@', ':']) {
        return error(format!(
            "`{{{name}}}` may be a label of the host only if two other labels come after it\nhelp: write `https://{{{name}}}.example.com`"
        ));
    }
    Ok(())
}

fn check_in_path(url: &LitStr, at: usize, name: &str) -> Result<(), Error> {
    let value = url.value();
    let begin = value.find("://").map_or(0, |at| at + 3);
    if value[begin..at].contains('/') && !value[..at].contains(['?', '#']) {
        return Ok(());
    }
    let message = format!("`{{{name}}}` belongs in the path of the URL");
    Err(Error::new(url.span(), message))
}
