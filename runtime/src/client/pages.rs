//! Pagination by `Link` headers (RFC 8288).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::{Request, Response, link, request::Template};
use crate::error::Error;

/// The most pages that one stream reads: a provider that links in a circle comes to an end.
pub(super) const MOST: usize = 1000;

/// The items of all pages, one after the other; [`Request::paginate`] makes it.
///
/// A page is asked for when its first item is wanted. The first error ends the stream. Links are
/// followed within the API's origin only, and for 1000 pages; what lies beyond is an error, so that
/// no list looks complete that is not.
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
/// async fn list(forge: AuthedClient<Forge>, most: Option<usize>) -> Result<Json<Vec<String>>> {
///     let mut names = forge.get("/repos").query(&[("per_page", 100)]).paginate::<String>();
///     if let Some(most) = most {
///         return Ok(Json(names.take_up_to(most).await?));
///     }
///     let mut all = Vec::new();
///     while let Some(name) = names.next().await {
///         all.push(name?);
///     }
///     Ok(Json(all))
/// }
/// ```
#[must_use = "nothing is asked for until an item is wanted"]
pub struct Pages<T>(Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>);

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(super) fn new(request: Request) -> Self {
        let template = request.template();
        // A link that cannot be followed is told when it would be: who wants no more than this page
        // has, has it.
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

    /// The next item, for which the next page is asked for if this one is read.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.0.next().await
    }

    /// The first `most` items; no page is asked for that is not needed for them.
    ///
    /// # Errors
    ///
    /// A page could not be had, as with [`Request::send`], or not be read.
    pub async fn take_up_to(self, most: usize) -> Result<Vec<T>, Error> {
        self.0.take(most).try_collect().await
    }
}

/// The request for the page after this one, if there is one.
fn following(
    response: &Response,
    template: &Template,
    read: usize,
) -> Result<Option<Request>, Error> {
    let Some(link) = link::next(response.headers()) else { return Ok(None) };
    let (asked, at) = (response.asked(), response.url());
    let target = at.join(&link).map_err(|_| asked.unreadable("a link that leads nowhere"))?;
    if target == *at {
        return Err(asked.unreadable("a next page that is this page"));
    }
    if read >= MOST {
        return Err(asked.unreadable(&format!("more than {MOST} pages; ask for less")));
    }
    match template.get(target) {
        Ok(request) => Ok(Some(request)),
        Err(target) => Err(asked.elsewhere(response.status(), &target)),
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
