//! The scopes, by whichever names, and what they permit.

use std::collections::BTreeSet;

use crate::config::Flavour;

/// What an endpoint asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    Write,
    Delete,
    Email,
}

pub(crate) struct Scope {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    permissions: &'static [Permission],
}

const STANDARD: [Scope; 4] = [
    Scope {
        name: "repo:read",
        words: "Read your repositories, issues and files",
        permissions: &[Permission::Read],
    },
    Scope {
        name: "repo:write",
        words: "Change your repositories, issues and files",
        permissions: &[Permission::Read, Permission::Write],
    },
    Scope {
        name: "repo:delete",
        words: "Delete your repositories",
        permissions: &[Permission::Delete],
    },
    Scope {
        name: "user:email",
        words: "See your e-mail address",
        permissions: &[Permission::Email],
    },
];

const GITHUB: [Scope; 4] = [
    Scope {
        name: "public_repo",
        words: "Read and write public repositories",
        permissions: &[Permission::Read, Permission::Write],
    },
    Scope {
        name: "repo",
        words: "Full control of repositories",
        permissions: &[Permission::Read, Permission::Write],
    },
    Scope { name: "delete_repo", words: "Delete repositories", permissions: &[Permission::Delete] },
    Scope {
        name: "user:email",
        words: "See your e-mail address",
        permissions: &[Permission::Email],
    },
];

pub(crate) fn all(flavour: Flavour) -> &'static [Scope] {
    match flavour {
        Flavour::Standard => &STANDARD,
        Flavour::GitHub => &GITHUB,
    }
}

pub(crate) fn find(flavour: Flavour, name: &str) -> Option<&'static Scope> {
    all(flavour).iter().find(|scope| scope.name == name)
}

/// Do these scopes permit it?
pub(crate) fn permits(flavour: Flavour, scopes: &BTreeSet<String>, wanted: Permission) -> bool {
    scopes
        .iter()
        .filter_map(|name| find(flavour, name))
        .any(|scope| scope.permissions.contains(&wanted))
}

/// The scopes that permit it, each alone.
pub(crate) fn that_permit(flavour: Flavour, wanted: Permission) -> Vec<&'static str> {
    let scopes = all(flavour).iter().filter(|scope| scope.permissions.contains(&wanted));
    scopes.map(|scope| scope.name).collect()
}
