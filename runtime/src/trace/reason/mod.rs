//! Reasons of decisions: closed sets, with stable names in `snake_case`.

mod broker;
mod consent;
mod define;
mod request;
mod upstream;

pub use self::{broker::*, consent::*, request::*, upstream::*};
