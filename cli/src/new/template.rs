//! Templates of files that are the same in every project.

pub(super) const GITIGNORE: &str = include_str!("../../templates/gitignore");
pub(super) const DOCKERFILE: &str = include_str!("../../templates/Dockerfile");
pub(super) const DOCKERIGNORE: &str = include_str!("../../templates/dockerignore");
pub(super) const WORKFLOW: &str = include_str!("../../templates/ci.yml");
