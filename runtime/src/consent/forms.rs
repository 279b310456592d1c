//! Forms of `/connect/{id}`, bound to the browser that was shown them.

use axum::{extract::Request, response::Response};
use http::{HeaderMap, HeaderValue, header};

use super::{consents::Consents, open_consents::OpenConsent, page as consent_page};
use crate::{
    browser::{
        CONNECT_PATH, csrf, error_pages,
        form::{self, Parameters},
        page::{self, FormAction},
        pending_authorization::PENDING_AUTHORIZATION_TTL,
        request_limit::TooManyRequests,
    },
    gate::connected_ip_key,
    oauth::UpstreamClient,
    support::crypto,
};

/// The cookie that binds a form to the browser that was shown it.
const FORM_COOKIE: &str = "toolgate-allow";

/// What a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormKind {
    /// Whether a client may use the account.
    Allow,
    /// Where the provider is.
    Address,
}

impl FormKind {
    /// The purpose that the form's CSRF token is bound to.
    fn name(self, id: &str) -> String {
        match self {
            Self::Allow => format!("allow {id}"),
            Self::Address => format!("address {id}"),
        }
    }
}

/// A form that is shown.
pub(super) struct NewForm {
    pub(super) action: String,
    pub(super) csrf: String,
    cookie: HeaderValue,
}

impl NewForm {
    pub(super) fn new(consents: &Consents, id: &str, kind: FormKind) -> Self {
        let browser = crypto::random_token();
        Self {
            action: format!("{CONNECT_PATH}/{id}"),
            csrf: csrf::token(&browser, &kind.name(id)),
            cookie: consents.cookies().set(FORM_COOKIE, &browser, PENDING_AUTHORIZATION_TTL),
        }
    }

    /// The page with the form, and the cookie that it is bound to.
    pub(super) fn with_cookie(self, mut page: Response) -> Response {
        page.headers_mut().append(header::SET_COOKIE, self.cookie);
        page
    }
}

/// A form that the person of the consent has sent, from a page of this server.
pub(super) struct SentForm {
    pub(super) consent: OpenConsent,
    pub(super) fields: Parameters,
    pub(super) headers: HeaderMap,
}

/// Reads a form of the consent with this id.
pub(super) async fn receive(
    consents: &Consents,
    id: &str,
    request: Request,
) -> Result<(FormKind, SentForm), Box<Response>> {
    if let Err(refused) = consents.limit().check_address(connected_ip_key(request.extensions())) {
        return Err(Box::new(error_pages::too_many_requests(refused)));
    }
    let (headers, fields) = form::read_form(request)
        .await
        .map_err(|error| Box::new(page::text(error.status(), &error.to_string())))?;
    let kind = if fields.get("decision").is_some() { FormKind::Allow } else { FormKind::Address };
    let browser = consents.cookies().get(&headers, FORM_COOKIE).unwrap_or_default();
    let is_ours = csrf::verify(browser, &kind.name(id), fields.get("csrf").unwrap_or_default());
    if !csrf::is_same_origin(&headers, &consents.origin()) || !is_ours {
        return Err(Box::new(consent_page::foreign_form()));
    }
    let consent = consents.require_owner(id, &headers).await?;
    if let Err(retry_after) = consents.connects().check(&consent.subject) {
        return Err(Box::new(error_pages::too_many_requests(TooManyRequests { retry_after })));
    }
    Ok((kind, SentForm { consent, fields, headers }))
}

/// Browsers apply `form-action` to the redirects after a form as well. The form ends with a redirect to
/// the provider, which may sign people in on further hosts of its own.
pub(super) fn to_provider(oauth: &UpstreamClient) -> FormAction {
    let is_plain = oauth.registration.authorize.starts_with("http://")
        || oauth.registration.stand_in.is_some();
    let source = if is_plain { "http://127.0.0.1:* http://localhost:*" } else { "https:" };
    FormAction::Sources(format!("'self' {source}"))
}
