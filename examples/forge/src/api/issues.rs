//! Issues and what is said about them.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    response::IntoResponse,
};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer,
    bearer::Asker,
    error,
    listing::{Paging, tagged},
    missing,
};
use crate::{
    Forge,
    world::{Comment, Issue, Login},
};

pub(super) async fn list(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name)): Path<(String, String)>,
    Query(paging): Query<Paging>,
    headers: HeaderMap,
) -> Answer {
    forge.require_for(&asker, &Method::GET)?;
    let state = paging.state.as_deref().unwrap_or("open");
    let issues: Vec<_> = {
        let mut world = forge.world();
        let issues = world.repo(&asker, &owner, &name)?.issues.iter();
        issues
            .filter(|issue| state == "all" || issue.state == state)
            .map(|issue| json!(issue))
            .collect()
    };
    Ok(forge.page(&format!("/repos/{owner}/{name}/issues"), &paging, &issues, &headers))
}

#[derive(Deserialize)]
pub(super) struct NewIssue {
    title: String,
    #[serde(default)]
    body: String,
}

pub(super) async fn open(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name)): Path<(String, String)>,
    Json(new): Json<NewIssue>,
) -> Answer {
    forge.require_for(&asker, &Method::POST)?;
    if new.title.trim().is_empty() {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "An issue has a title"));
    }
    let mut world = forge.world();
    let repo = world.repo(&asker, &owner, &name)?;
    let number = repo.issues.iter().map(|issue| issue.number).max().unwrap_or(0) + 1;
    let issue = Issue {
        number,
        title: new.title,
        body: new.body,
        state: "open".to_owned(),
        user: Login { login: asker.user },
        comments: 0,
        discussion: Vec::new(),
    };
    repo.issues.push(issue.clone());
    Ok((StatusCode::CREATED, Json(issue)).into_response())
}

type Place = (String, String, u64);

pub(super) async fn show(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, number)): Path<Place>,
    headers: HeaderMap,
) -> Answer {
    forge.require_for(&asker, &Method::GET)?;
    let mut world = forge.world();
    let issues = world.repo(&asker, &owner, &name)?.issues.iter();
    let issue = issues.clone().find(|issue| issue.number == number).ok_or_else(missing)?;
    Ok(tagged(issue, &headers))
}

#[derive(Deserialize)]
pub(super) struct Change {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

pub(super) async fn change(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, number)): Path<Place>,
    Json(change): Json<Change>,
) -> Answer {
    forge.require_for(&asker, &Method::PATCH)?;
    if change.state.as_deref().is_some_and(|state| !matches!(state, "open" | "closed")) {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "A state is `open` or `closed`"));
    }
    let mut world = forge.world();
    let issues = &mut world.own_repo(&asker, &owner, &name)?.issues;
    let issue = issues.iter_mut().find(|issue| issue.number == number).ok_or_else(missing)?;
    issue.title = change.title.unwrap_or_else(|| issue.title.clone());
    issue.body = change.body.unwrap_or_else(|| issue.body.clone());
    issue.state = change.state.unwrap_or_else(|| issue.state.clone());
    Ok(Json(issue.clone()).into_response())
}

pub(super) async fn comments(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, number)): Path<Place>,
    Query(paging): Query<Paging>,
    headers: HeaderMap,
) -> Answer {
    forge.require_for(&asker, &Method::GET)?;
    let comments: Vec<Value> = {
        let mut world = forge.world();
        let issues = &world.repo(&asker, &owner, &name)?.issues;
        let issue = issues.iter().find(|issue| issue.number == number).ok_or_else(missing)?;
        issue.discussion.iter().map(|comment| json!(comment)).collect()
    };
    let path = format!("/repos/{owner}/{name}/issues/{number}/comments");
    Ok(forge.page(&path, &paging, &comments, &headers))
}

#[derive(Deserialize)]
pub(super) struct NewComment {
    body: String,
}

pub(super) async fn comment(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, number)): Path<Place>,
    Json(new): Json<NewComment>,
) -> Answer {
    forge.require_for(&asker, &Method::POST)?;
    let mut world = forge.world();
    let issues = &mut world.repo(&asker, &owner, &name)?.issues;
    let issue = issues.iter_mut().find(|issue| issue.number == number).ok_or_else(missing)?;
    issue.comments += 1;
    let comment = Comment { id: issue.comments, body: new.body, user: Login { login: asker.user } };
    issue.discussion.push(comment.clone());
    Ok((StatusCode::CREATED, Json(comment)).into_response())
}
