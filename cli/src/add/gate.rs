//! `add gate`: an authorization server outside, as one of the presets, in place of the development
//! sign-in.

use anyhow::anyhow;

use super::{Stop, items::Items, manual::Manual, project::Project};
use crate::{
    catalogue::{self, Preset},
    new,
};

/// The authorization server of your organization, as one of the presets.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The preset: `auth0`, `entra`, `keycloak`, ..
    preset: String,
}

pub(super) fn plan(project: &mut Project, arguments: &Args) -> Result<String, Stop> {
    let preset = find(&arguments.preset)?;
    let file = project.main.with_file_name("gate.rs");
    let place = project.place();
    // With providers, people have to sign in when they open a link to connect an account.
    let links = !matches!(&place, Ok(place) if !place.chain().has("provider"));
    let (text, section) = (new::gate::of(preset, links), new::variables::of_gate(preset, links));
    let shown = file.display().to_string();
    let by_hand = |manual: Manual| {
        manual
            .step(format!("In {shown}"), text.clone())
            .step("In the program", "mod gate;")
            .step(
                "In the builder of the server",
                "// with a catalogue, in place of `.dev::<Access>(people)`:\n.gate_or_dev::<Access>(gate::from_env()?, people)",
            )
            .step("In .env.example", section.clone())
    };
    let mut place = place.map_err(by_hand)?;
    let chain = place.chain();
    if chain.has("gate") || chain.has("gate_or_dev") {
        return Err(anyhow!("a gate exists already in this project").into());
    }
    let top = Items::of_file(&place.source);
    if top.has_module("gate") || project.root.join(&file).exists() {
        return Err(anyhow!("{shown} exists already").into());
    }
    let refused = if chain.has("broker") {
        Some("people sign in at the server's own broker, which the gate would replace")
    } else if !chain.has("dev") {
        Some("the builder has no `.dev::<Access>(people)`, which the gate would replace")
    } else if !chain.fallible {
        Some("the function with the server returns no Result, so that `?` does not compile there")
    } else if top.names().contains("gate") || place.items.names().contains("gate") {
        Some("the name `gate` is taken")
    } else {
        None
    };
    if let Some(reason) = refused {
        return Err(by_hand(Manual::because(reason)).into());
    }
    let path = if chain.module.is_empty() { "gate" } else { "crate::gate" };
    if let Some(dev) = place.chains.chains[0].last("dev") {
        dev.extend(&mut place.source, "gate_or_", &format!("{path}::from_env()?, "));
    }
    top.declare_module(&mut place.source, "gate");
    project.finish(place)?;
    project.changes.create(&file, text);
    let variable = preset.arguments.first().map_or(preset.id.as_str(), |first| &first.variable);
    project.append(".env.example", &section, &format!("{variable}="))?;
    Ok(format!(
        "{} decides who calls once {variable} is set; until then people of the development sign-in do.",
        preset.name
    ))
}

fn find(name: &str) -> anyhow::Result<&'static Preset> {
    catalogue::find_preset(name).map_err(|unknown| {
        anyhow!(
            "{unknown}\nAnother authorization server is `gate::oidc(issuer)`: see docs/identity.md."
        )
    })
}
