//! Stand-in for a type that is no provider, in a program that does not compile for this reason.

use super::Provider;
use crate::scope::{Catalogue, Scope};

/// What a tool's client is taken to be of, where its type is no provider.
#[derive(Debug)]
pub enum NoProvider {}

impl Catalogue for NoProvider {
    const NAME: &'static str = "";
    const SCOPES: &'static [Scope] = &[];
}

impl Provider for NoProvider {
    const API: &'static str = "";
    const AUTHORIZE: &'static str = "";
    const ID: &'static str = "";
    const TOKEN: &'static str = "";
}
