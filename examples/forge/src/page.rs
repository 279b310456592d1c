//! The pages: plain HTML, no script.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}body{max-width:30rem;margin:10vh auto;padding:0 1rem}button{font:inherit;padding:.4rem 1rem;margin-right:.5rem}label{display:block;margin:.5rem 0}input{font:inherit;width:100%}";

pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

pub(crate) fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – forge" }
                link rel="stylesheet" href="/style.css";
            }
            body { main { h1 { (title) } (body) } }
        }
    };
    let mut response = (status, Html(html.into_string())).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn fault(message: &str) -> Response {
    page(StatusCode::BAD_REQUEST, "This cannot go on", &html! { p { (message) } })
}

pub(crate) fn login(request: &str, message: Option<&str>) -> Response {
    page(
        StatusCode::OK,
        "Sign in to forge",
        &html! {
            @if let Some(message) = message { p role="alert" { (message) } }
            form method="post" action="/login" {
                input type="hidden" name="request" value=(request);
                label { "User name" input name="user" autocomplete="username" required autofocus; }
                label { "Password" input name="password" type="password" autocomplete="current-password" required; }
                button type="submit" { "Sign in" }
            }
            p { "This is a demonstration. " code { "alice" } " has the password " code { "alice-password" } ", " code { "bob" } " " code { "bob-password" } "." }
        },
    )
}

pub(crate) fn consent(
    request: &str,
    csrf: &str,
    user: &str,
    scopes: &[(String, &'static str, bool)],
) -> Response {
    page(
        StatusCode::OK,
        "May toolgate act for you?",
        &html! {
            p { "You are signed in as " strong { (user) } ". The application " strong { "toolgate" } " asks for:" }
            ul {
                @for (name, words, new) in scopes {
                    li { (words) " (" code { (name) } ")" @if !new { " – approved before" } }
                }
            }
            form method="post" action="/consent" {
                input type="hidden" name="request" value=(request);
                input type="hidden" name="csrf" value=(csrf);
                button type="submit" name="decision" value="approve" { "Approve" }
                button type="submit" name="decision" value="deny" { "Deny" }
            }
        },
    )
}
