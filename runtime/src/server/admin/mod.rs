//! Administration of a server's database, by the server's own program: `my-server admin COMMAND`.
//!
//! Servers that use the database may run meanwhile: a grant is removed under its lease, a row is sealed
//! again only if it is the same as when it was read.

pub(crate) mod arguments;
mod audit;
mod database;
mod migrate;
mod output;
mod people;

use std::sync::Arc;

use self::{
    arguments::{AdminCommand, Arguments},
    output::Output,
};
use super::{
    builder::Server,
    stores::{chosen_store, default_store},
};
use crate::{
    error::{ConfigError, Result},
    grant::{
        Clock, GrantStore, KeySource, Store,
        audit::entry::{AuditEvent, Facts},
        inventory::{Inventory, inventory_of},
    },
    mcp::fallback::ErasedHandler,
};

/// Runs a command. Returns whether it succeeded, or whether what it checks is in order.
pub(super) async fn run(mut server: Server<ErasedHandler>, arguments: Arguments) -> Result<bool> {
    let output = Output::new(arguments.json);
    server.audit.is_by_operator = true;
    if let AdminCommand::Migrate { from, to, mode } = &arguments.command {
        let (source, until) = (server.key_source.clone(), server.audit.until(server.clock.now()));
        let to = match to {
            Some(to) => to.clone(),
            None => target_of_environment()?,
        };
        migrate::run((from, &to), source, *mode, (server.clock.now(), until), &output).await?;
        return Ok(true);
    }
    let (chosen, name) = (server.store.clone(), server.identity.name.clone());
    let (clock, source) = (Arc::clone(&server.clock), server.key_source.clone());
    let store = open(chosen, &name, Arc::clone(&clock), source).await?;
    let inventory = found(inventory_of(Arc::clone(&store)))?;
    let audit = server.audit.trail(&store, &clock);
    let is_well = match arguments.command {
        AdminCommand::Migrate { .. } => true,
        AdminCommand::Verify => {
            let is_sound = database::verify(&*inventory, &output).await?;
            let outcome = if is_sound { "sound" } else { "faults" };
            audit.decision(|| Facts::new(AuditEvent::StoreVerified).outcome(&outcome));
            is_sound
        }
        AdminCommand::RotateKeys => {
            let is_done = database::rotate_keys(&*inventory, &output).await?;
            let outcome = if is_done { "done" } else { "rows_changed" };
            audit.decision(|| Facts::new(AuditEvent::KeysRotated).outcome(&outcome));
            is_done
        }
        AdminCommand::List => {
            people::list(&*inventory, None, &output).await?;
            audit.decision(|| Facts::new(AuditEvent::GrantsListed));
            true
        }
        AdminCommand::Show { person } => {
            // A person without grants is unknown to the server, and the name is not recorded.
            if people::list(&*inventory, Some(&person), &output).await? > 0 {
                audit.decision(|| Facts::of(AuditEvent::PersonShown, &person));
            }
            true
        }
        AdminCommand::ExportAudit(selection) => {
            let count = audit::run(&*inventory, &selection, &output).await?;
            audit.decision(|| {
                let subject = selection.subject.clone().filter(|_| count > 0);
                Facts { subject, ..Facts::new(AuditEvent::AuditExported).count(count) }
            });
            true
        }
        AdminCommand::Revoke { person, provider } => {
            let app = server.with_store(store).build_for(None).await?;
            let of = (&*person, provider.as_deref());
            let revoked = people::revoke(&app, &*inventory, of, &output).await;
            app.handler.dispatch.grants.audit().flush().await;
            revoked?;
            true
        }
        AdminCommand::Delete { person } => {
            let app = server.with_store(store).build_for(None).await?;
            let deleted = people::delete(&app, &*inventory, &person, &output).await;
            app.handler.dispatch.grants.audit().flush().await;
            deleted?;
            true
        }
    };
    audit.flush().await;
    Ok(is_well)
}

/// The URL of the database that rows are copied to, where no argument names it.
fn target_of_environment() -> Result<String, ConfigError> {
    let url = Store::url_from_env().map_err(|error| ConfigError::new(error.to_string()))?;
    url.map(|url| url.trim().to_owned()).ok_or_else(|| {
        ConfigError::new("`admin migrate` has no target").help(
            "set TOOLGATE_STORE or TOOLGATE_STORE_FILE to its URL, or write it after the source",
        )
    })
}

/// The store of the server: the one that the program sets, or else the one that the environment names.
async fn open(
    chosen: Option<Arc<dyn GrantStore>>,
    name: &str,
    clock: Arc<dyn Clock>,
    source: Option<Arc<dyn KeySource>>,
) -> Result<Arc<dyn GrantStore>, ConfigError> {
    if let Some(store) = chosen {
        return Ok(store);
    }
    match chosen_store(&clock, source.as_ref()).await? {
        Some(store) => Ok(store),
        None => default_store(name, &clock, source).await,
    }
}

fn found(inventory: Option<Arc<dyn Inventory>>) -> Result<Arc<dyn Inventory>, ConfigError> {
    inventory.ok_or_else(|| {
        ConfigError::new("the store of this server is in memory, or of its own kind")
            .help("`admin` works on SQLite and PostgreSQL: set TOOLGATE_STORE as the server has it")
    })
}
