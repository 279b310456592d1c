//! The asker, repositories and their files.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri};
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
    oauth::Permission,
    world::{Repo, USERS, World},
};

impl Repo {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "full_name": format!("{}/{}", self.owner, self.name),
            "owner": { "login": self.owner },
            "description": self.description,
            "private": self.private,
            "open_issues_count": self.issues.iter().filter(|issue| issue.state == "open").count(),
        })
    }
}

impl World {
    /// A repository that the asker may see.
    pub(super) fn repo(
        &mut self,
        asker: &Asker,
        owner: &str,
        name: &str,
    ) -> Result<&mut Repo, Response> {
        self.repos
            .iter_mut()
            .find(|repo| repo.owner == owner && repo.name == name)
            .filter(|repo| !repo.private || repo.owner == asker.user)
            .ok_or_else(missing)
    }

    /// A repository that the asker may change.
    pub(super) fn own_repo(
        &mut self,
        asker: &Asker,
        owner: &str,
        name: &str,
    ) -> Result<&mut Repo, Response> {
        let repo = self.repo(asker, owner, name)?;
        if repo.owner == asker.user {
            Ok(repo)
        } else {
            Err(error(StatusCode::FORBIDDEN, "You may not change this repository"))
        }
    }
}

pub(super) async fn user(Extension(asker): Extension<Asker>) -> Json<Value> {
    Json(json!({ "login": asker.user }))
}

pub(super) async fn emails(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
) -> Answer {
    forge.require(&asker, Permission::Email)?;
    let emails = USERS.iter().filter(|user| user.name == asker.user);
    let emails: Vec<_> =
        emails.map(|user| json!({ "email": user.email, "primary": true })).collect();
    Ok(Json(emails).into_response())
}

pub(super) async fn list(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Query(paging): Query<Paging>,
    headers: HeaderMap,
) -> Answer {
    forge.require(&asker, Permission::Read)?;
    let repos: Vec<_> = forge
        .world()
        .repos
        .iter()
        .filter(|repo| repo.owner == asker.user)
        .map(Repo::to_json)
        .collect();
    Ok(forge.page("/user/repos", &paging, &repos, &headers))
}

#[derive(Deserialize)]
pub(super) struct NewRepo {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    private: bool,
}

pub(super) async fn create(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Json(new): Json<NewRepo>,
) -> Answer {
    forge.require(&asker, Permission::Write)?;
    let mut world = forge.world();
    if world.repos.iter().any(|repo| repo.owner == asker.user && repo.name == new.name) {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "You have a repository of this name"));
    }
    let repo = Repo {
        owner: asker.user,
        name: new.name,
        description: new.description,
        private: new.private,
        issues: Vec::new(),
        files: std::collections::BTreeMap::new(),
    };
    let json = repo.to_json();
    world.repos.push(repo);
    Ok((StatusCode::CREATED, Json(json)).into_response())
}

pub(super) async fn show(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    forge.require(&asker, Permission::Read)?;
    let json = forge.world().repo(&asker, &owner, &name)?.to_json();
    Ok(tagged(&json, &headers))
}

pub(super) async fn delete(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name)): Path<(String, String)>,
) -> Answer {
    forge.require(&asker, Permission::Delete)?;
    let mut world = forge.world();
    world.own_repo(&asker, &owner, &name)?;
    world.repos.retain(|repo| repo.owner != owner || repo.name != name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn read(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, path)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    forge.require(&asker, Permission::Read)?;
    let mut world = forge.world();
    let text = world.repo(&asker, &owner, &name)?.files.get(&path).cloned().ok_or_else(missing)?;
    Ok(tagged(&json!({ "path": path, "text": text }), &headers))
}

#[derive(Deserialize)]
pub(super) struct Contents {
    text: String,
}

pub(super) async fn write(
    State(forge): State<Forge>,
    Extension(asker): Extension<Asker>,
    Path((owner, name, path)): Path<(String, String, String)>,
    Json(contents): Json<Contents>,
) -> Answer {
    forge.require_for(&asker, &Method::PUT)?;
    forge.world().own_repo(&asker, &owner, &name)?.files.insert(path.clone(), contents.text);
    Ok(Json(json!({ "path": path })).into_response())
}

#[derive(Deserialize)]
pub(super) struct Away {
    to: String,
}

/// Sends the asker anywhere, as an API with an open redirect would.
pub(super) async fn redirect_away(Query(away): Query<Away>) -> Redirect {
    Redirect::temporary(&away.to)
}

/// The path just as it came.
pub(super) async fn echo(uri: Uri) -> String {
    uri.path().to_owned()
}
