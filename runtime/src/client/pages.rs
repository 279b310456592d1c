//! Pagination by `Link` headers (RFC 8288).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::{RequestBuilder, Response, link, request::RequestTemplate};
use crate::error::Error;

/// The most pages that one stream reads, because a provider's links may form a circle.
pub(super) const MAX_PAGES: usize = 1000;

/// A stream of the items of all pages, made by [`RequestBuilder::paginate`].
///
/// A page is requested when its first item is polled. The first error ends the stream. Links are
/// followed within the API's origin only, and for at most 1000 pages. A further page is an error, so
/// that an incomplete list never looks complete.
///
/// ```
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// # }
/// /// Lists the names of all repositories, or the first of them.
/// #[tool(scopes = "repo:read")]
/// async fn list(forge: AuthedClient<Forge>, limit: Option<usize>) -> Result<Json<Vec<String>>> {
///     let mut names = forge.get("/repos").query(&[("per_page", 100)]).paginate::<String>();
///     if let Some(limit) = limit {
///         return Ok(Json(names.take_up_to(limit).await?));
///     }
///     let mut all = Vec::new();
///     while let Some(name) = names.next().await {
///         all.push(name?);
///     }
///     Ok(Json(all))
/// }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T>(Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>);

impl RequestBuilder {
    /// Returns the items of this page and of those that follow it by `Link: <..>; rel="next"` (RFC
    /// 8288). Each page must be a JSON array.
    pub fn paginate<T: DeserializeOwned + Send + 'static>(self) -> Pages<T> {
        Pages::new(self)
    }
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    fn new(request: RequestBuilder) -> Self {
        let template = request.template();
        // A link that cannot be followed is an error only when the next page is needed.
        let start = (Some(Ok(request)), template, 0);
        let pages = stream::try_unfold(start, |(request, template, read)| async move {
            let Some(request) = request.transpose()? else { return Ok::<_, Error>(None) };
            let response = request.send().await?;
            if response.not_modified() {
                return Ok(None);
            }
            let next = following(&response, &template, read + 1).transpose();
            let items: Vec<T> = response.json().await?;
            let items = stream::iter(items.into_iter().map(Ok::<_, Error>));
            Ok(Some((items, (next, template, read + 1))))
        });
        Self(Box::pin(pages.try_flatten()))
    }

    /// Returns the next item, and requests the next page if needed.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.0.next().await
    }

    /// Returns the first `max_items` items, and requests only the pages needed for them.
    ///
    /// # Errors
    ///
    /// As [`RequestBuilder::send`] and [`Response::json`] for each page.
    pub async fn take_up_to(self, max_items: usize) -> Result<Vec<T>, Error> {
        self.0.take(max_items).try_collect().await
    }
}

/// The request for the page after this one, if there is one.
fn following(
    response: &Response,
    template: &RequestTemplate,
    read: usize,
) -> Result<Option<RequestBuilder>, Error> {
    let Some(link) = link::next(response.headers()) else { return Ok(None) };
    let (description, url) = (response.description(), response.url());
    let target =
        url.join(&link).map_err(|_| description.unreadable("a link that leads nowhere"))?;
    if target == *url {
        return Err(description.unreadable("a next page that is this page"));
    }
    if read >= MAX_PAGES {
        return Err(description.unreadable(&format!("more than {MAX_PAGES} pages; ask for less")));
    }
    match template.get(target) {
        Ok(request) => Ok(Some(request)),
        Err(target) => Err(description.outside_api(response.status(), &target)),
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
