//! The page that asks a person where their provider is.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::{
    browser::page::{FormAction, Page, STYLE_PATH},
    provider::ValueShape,
};

/// A value of a placeholder in examples.
const EXAMPLE: &str = "acme";

/// A form with a field for each value.
pub(super) struct AddressQuestion<'a> {
    pub(super) provider: &'static str,
    pub(super) fields: &'a [Field],
    pub(super) action: &'a str,
    pub(super) csrf: &'a str,
    pub(super) form_action: FormAction,
}

/// A value that is asked for.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) shape: ValueShape,
    /// What the field holds: what the person typed, or the value of the account before.
    pub(super) value: String,
    pub(super) fault: Option<Fault>,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    NotAllowed,
}

impl AddressQuestion<'_> {
    pub(super) fn into_response(self) -> Response {
        let provider = self.provider;
        let first_fault = self.fields.iter().position(|field| field.fault.is_some());
        let title = format!("Where is your {provider}?");
        let body = html! {
            p { "Accounts at " (provider) " have addresses of their own. With yours, this server can send you there to sign in and to decide what its tools may do." }
            form method="post" action=(self.action) novalidate {
                input type="hidden" name="csrf" value=(self.csrf);
                @for (at, field) in self.fields.iter().enumerate() {
                    (field.markup(first_fault.unwrap_or(0) == at))
                }
                button.main type="submit" { "Continue to " (provider) }
            }
            p.next { "Nothing is connected until you agree at " (provider) ". To stop, close this window." }
        };
        let status = match first_fault {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        let form_action = self.form_action;
        Page { status, title: &title, body, stylesheet: STYLE_PATH, form_action }.into_response()
    }
}

impl Field {
    fn markup(&self, has_focus: bool) -> Markup {
        let Self { name, label, shape, value, fault } = self;
        let (hint, error) = (format!("{name}.hint"), format!("{name}.error"));
        let described_by = if fault.is_some() { format!("{error} {hint}") } else { hint.clone() };
        html! {
            div.field.invalid[fault.is_some()] {
                label for=(name) { (label) }
                p.hint id=(hint) { (hint_of(shape)) }
                @if let Some(fault) = fault {
                    p.error id=(error) { strong { "Error: " } (fault.in_words(shape)) }
                }
                input type="text" id=(name) name=(name) value=(value)
                    inputmode=[matches!(shape, ValueShape::Host { .. }).then_some("url")]
                    maxlength=(shape.max_len()) autocomplete="on" autocapitalize="none"
                    autocorrect="off" spellcheck="false" aria-required="true"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=(described_by)
                    autofocus[has_focus];
            }
        }
    }
}

fn hint_of(shape: &ValueShape) -> Markup {
    match shape {
        ValueShape::Label { url } => html! {
            "If its address is " code { (url.replace('…', EXAMPLE)) } ", enter " code { (EXAMPLE) } "."
        },
        ValueShape::Host { patterns } => html! {
            "An address such as "
            @for (at, pattern) in patterns.iter().enumerate() {
                @if at > 0 { " or " }
                code { "https://" (pattern.replace('*', EXAMPLE)) }
            }
            "."
        },
        ValueShape::Segment { url } => html! {
            "If its address begins with " code { (url.replace('…', EXAMPLE)) } ", enter " code { (EXAMPLE) } "."
        },
    }
}

impl Fault {
    fn in_words(self, shape: &ValueShape) -> &'static str {
        match (self, shape) {
            (Self::Empty, ValueShape::Host { .. }) => "Enter the address.",
            (Self::Empty, _) => "Enter this part of the address.",
            (Self::NotAllowed, ValueShape::Label { .. }) => {
                "Enter only this part of the address: letters, digits and hyphens, without dots and slashes."
            }
            (Self::NotAllowed, ValueShape::Host { .. }) => {
                "This is not such an address. Enter the host alone, without a port and without what comes after it."
            }
            (Self::NotAllowed, ValueShape::Segment { .. }) => {
                "Enter only this part of the address: letters, digits, and the characters . _ ~ -"
            }
        }
    }
}
