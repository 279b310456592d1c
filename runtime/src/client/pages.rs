//! Pagination by `Link` headers (RFC 8288).

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, stream};
use http::header;
use serde::de::DeserializeOwned;
use url::Url;

use super::Request;
use crate::error::Error;

/// The most pages that one stream reads: a provider that links in a circle comes to an end.
const MOST: usize = 1000;

/// The items of all pages, one after the other; [`Request::paginate`] makes it.
///
/// A page is asked for when its first item is wanted. The first error ends the stream.
pub struct Pages<T>(Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>);

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(super) fn new(request: Request) -> Self {
        let pages = stream::try_unfold((Some(request), 0), |(request, read)| async move {
            let Some(request) = request.filter(|_| read < MOST) else { return Ok(None) };
            let this = request.duplicate()?;
            let response = this.send().await?;
            let links = response.headers().get_all(header::LINK);
            let next = links.iter().filter_map(|link| link.to_str().ok()).find_map(next);
            let next = next.and_then(|next| response.url().join(&next).ok());
            let next: Option<Request> = next.map(|url: Url| request.again(url)).transpose()?;
            let items: VecDeque<T> = response.json().await?;
            Ok::<_, Error>(Some((stream::iter(items.into_iter().map(Ok)), (next, read + 1))))
        });
        let items = pages.flat_map(|page| match page {
            Ok(items) => items.left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        });
        Self(Box::pin(items))
    }

    /// The first `most` items.
    ///
    /// # Errors
    ///
    /// A page could not be read.
    pub async fn take_up_to(self, most: usize) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let mut stream = self.0;
        while items.len() < most {
            match stream.next().await {
                Some(item) => items.push(item?),
                None => break,
            }
        }
        Ok(items)
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> std::fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

/// The target of the link whose relation is `next`.
fn next(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        let parameters = parameters(&rest[end + 1..]);
        let relation = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
        let is_next = relation.filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel")).any(
            |(_, value)| {
                let relations = value.trim().trim_matches('"');
                relations.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
            },
        );
        if is_next {
            return Some(target.to_owned());
        }
        rest = &rest[end + 1 + parameters.len()..];
    }
    None
}

/// What belongs to a link: up to a comma that is not quoted.
fn parameters(text: &str) -> &str {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => return &text[..at],
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn finds_next_in_every_form() {
        let found = |header| next(header);
        assert_eq!(found(r#"<https://a/?p=2>; rel="next""#).as_deref(), Some("https://a/?p=2"));
        assert_eq!(
            found(r#"<https://a/?p=1>; rel="prev", <https://a/?p=3,4>; rel="next""#).as_deref(),
            Some("https://a/?p=3,4"),
        );
        assert_eq!(
            found(r#"</b>; title="a, <b>; rel=next"; rel="last next""#).as_deref(),
            Some("/b")
        );
        assert_eq!(found("</c>;REL=NEXT").as_deref(), Some("/c"));
        for none in
            ["", "<", "<x", r#"<a>; rel="prev""#, r#"<a>; rev="next""#, r#"<a>; rel="nextish""#]
        {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
