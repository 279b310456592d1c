//! `/connect/{id}` of a provider whose address differs from person to person: a form asks for it.
//!
//! What a person gives is checked against the pattern of its placeholder. It is kept with the pending
//! authorization, and later with the grant.

use std::collections::BTreeMap;

use axum::response::Response;

use super::{
    address_page::{AddressQuestion, Fault, Field},
    consents::Consents,
    departure::Departure,
    forms::{self, FormKind, NewForm, SentForm},
    open_consents::Progress,
};
use crate::{
    browser::error_pages,
    oauth::UpstreamClient,
    provider::{PlaceholderValues, Registration},
};

/// The prefix of a placeholder's name in the form, which keeps it apart from other fields.
pub(crate) const FIELD_PREFIX: &str = "address.";

/// Asks where the provider of the person is. `known`: the values of the account that is connected.
pub(super) async fn ask(
    consents: &Consents,
    id: &str,
    oauth: &UpstreamClient,
    known: &PlaceholderValues,
) -> Response {
    consents.report(id, Progress::Opened).await;
    let fields = fields(&oauth.registration, |name| {
        let known = known.get(name).map(String::as_str).unwrap_or_default();
        (known.to_owned(), None)
    });
    show(consents, id, oauth, &fields)
}

/// Handles the form: shows it again with what is wrong, or sends the browser to the provider.
pub(super) async fn submit(consents: &Consents, id: &str, sent: SentForm) -> Response {
    let SentForm { consent, fields: sent, headers } = sent;
    let Some(oauth) = consents.provider(&consent.provider).filter(|oauth| oauth.asks_person())
    else {
        return error_pages::unknown_answer();
    };
    let registration = &oauth.registration;
    let mut values = PlaceholderValues::new();
    let mut faults = BTreeMap::new();
    for (placeholder, _) in registration.of_person() {
        let typed = sent.get(&format!("{FIELD_PREFIX}{}", placeholder.name)).unwrap_or_default();
        match registration.read_value(placeholder, typed) {
            Some(value) => drop(values.insert(placeholder.name.to_owned(), value)),
            None if typed.trim().is_empty() => drop(faults.insert(placeholder.name, Fault::Empty)),
            None => drop(faults.insert(placeholder.name, Fault::NotAllowed)),
        }
    }
    let own = oauth.for_person(&values);
    let (Ok(own), true) = (own, faults.is_empty()) else {
        let typed = |name: &str| sent.get(&format!("{FIELD_PREFIX}{name}")).unwrap_or_default();
        let fields =
            fields(registration, |name| (typed(name).to_owned(), faults.get(name).copied()));
        return show(consents, id, oauth, &fields);
    };
    let grant = match consents.grant(&consent, &own).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::error!(target: "toolgate::consent", %error, "a person's account cannot be read");
            return error_pages::server_error();
        }
    };
    let client = consents.asking_client(&consent).await;
    let departure = Departure { id, consent, client, grant, values };
    departure.send(consents, &own, &headers).await
}

fn fields(
    registration: &Registration,
    value: impl Fn(&str) -> (String, Option<Fault>),
) -> Vec<Field> {
    let of_person = registration.of_person().into_iter();
    let field = of_person.map(|(placeholder, label)| {
        let (value, fault) = value(placeholder.name);
        let name = format!("{FIELD_PREFIX}{}", placeholder.name);
        Field { name, label, shape: registration.shape_of(placeholder), value, fault }
    });
    field.collect()
}

fn show(consents: &Consents, id: &str, oauth: &UpstreamClient, fields: &[Field]) -> Response {
    let form = NewForm::new(consents, id, FormKind::Address);
    let question = AddressQuestion {
        provider: oauth.registration.name,
        fields,
        action: &form.action,
        csrf: &form.csrf,
        form_action: forms::to_provider(oauth),
    };
    let page = question.into_response();
    form.with_cookie(page)
}
