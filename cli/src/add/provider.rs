//! `add provider`: a provider of the catalogue, its client, and a tool that uses it.

use anyhow::anyhow;

use super::{
    Stop, manifest,
    manual::Manual,
    modules::Home,
    owner,
    project::{Place, Project},
    test_file, tool,
};
use crate::{
    catalogue::{self, Provider},
    new::{answers::Chosen, gate, pieces, variables},
};

/// A provider of the catalogue, with a tool that uses it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The provider: `github`, `google`, ..
    name: String,
    /// The scopes of the tool, separated by commas.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    scopes: Vec<String>,
}

pub(super) fn plan(project: &mut Project, arguments: &Args) -> Result<String, Stop> {
    let provider = find(&arguments.name)?;
    let scopes = tool::words(&arguments.scopes);
    check_scopes(provider, &scopes)?;
    let scopes = Chosen::new(provider, scopes)?.scopes;
    let piece = pieces::provider_tool(provider, &scopes, "");
    let section = variables::of_provider(provider);
    let type_name = provider.ty.as_str();
    let client = format!(".provider({type_name}::from_env()?)");
    let by_hand = |manual: Manual| {
        manual
            .step(
                "In Cargo.toml, the dependency `toolgate-providers`",
                format!("features = [.., {:?}]", provider.feature),
            )
            .step("Among the imports", format!("use toolgate_providers::{type_name};"))
            .step("With the other tools", piece.item.clone())
            .step("In the builder of the server", client.clone())
            .step("In the list of tools", format!("tools![.., {}]", piece.name))
            .step("In .env.example", section.clone())
    };
    let mut place = project.place().map_err(by_hand)?;
    if owner::is_used(&place, type_name) {
        let add = "`cargo toolgate add tool NAME --scopes ..` adds a tool";
        return Err(anyhow!("{} exists already in this project: {add}", provider.name).into());
    }
    if !place.chain().fallible {
        let line = place.source.line(place.chain().start());
        let reason = format!(
            "the function with the server, at {}:{line}, returns no Result, so that `from_env()?` does not compile there",
            project.main.display()
        );
        return Err(by_hand(Manual::because(reason)).into());
    }
    if place.items.names().contains(type_name) {
        return Err(by_hand(Manual::because(format!("the name `{type_name}` is taken"))).into());
    }
    if !place.items.has_prelude() {
        let reason = "the module with the server does not import `toolgate::prelude::*`";
        return Err(by_hand(Manual::because(reason)).into());
    }
    tool::refuse_taken(&place, &piece.name)?;
    let depends = manifest::depends_on(&project.manifest, "toolgate-providers");
    let edited = if depends {
        manifest::add_feature(&mut project.manifest, "toolgate-providers", &provider.feature)
            .map(drop)
    } else {
        manifest::add_providers(&mut project.manifest, &provider.feature)
    };
    let edited = edited.and_then(|()| match provider.tool.body {
        Some(_) => manifest::add_crate(&mut project.manifest, "serde_json", "1"),
        None => Ok(()),
    });
    edited.map_err(|reason| by_hand(Manual::because(format!("in Cargo.toml {reason}"))))?;
    if !place.items.imported_from_catalogue(type_name) {
        place.items.import(&mut place.source, "toolgate_providers", type_name);
    }
    register(&mut place, &client);
    tool::add(&mut place, &Home::of_provider(provider), &piece.name, |items| {
        // Another `Result` may be imported by its name, which then hides that of the prelude.
        let result = format!("-> {}<", items.name_of("Result"));
        piece.item.replacen("-> Result<", &result, 1)
    })?;
    project.finish(place)?;
    let variable = provider.variables.first().map_or("its client", String::as_str);
    project.append(".env.example", &section, &format!("{variable}="))?;
    test_file::add(project, &pieces::provider_test(provider))?;
    project.add_call(&piece.name)?;
    sign_in_at_links(project)?;
    Ok(format!(
        "`{}` runs against a stand-in of {} until {variable} is set: .env.example has the steps.",
        piece.name, provider.name
    ))
}

/// Gives the gate that `new` wrote for a project without providers what links to connect an account
/// need: a client with which people sign in.
fn sign_in_at_links(project: &mut Project) -> anyhow::Result<()> {
    let file = project.main.with_file_name("gate.rs");
    let Some(before) = project.text(&file)? else { return Ok(()) };
    let written = |preset: &&catalogue::Preset| gate::of(preset, false) == before;
    let Some(preset) = catalogue::presets().iter().find(written) else { return Ok(()) };
    project.changes.replace(&file, before, gate::of(preset, true));
    let (without, with) = (variables::of_gate(preset, false), variables::of_gate(preset, true));
    let section = with.strip_prefix(&without).unwrap_or(&with);
    project.append(".env.example", section, &format!("{}CLIENT_ID=", gate::prefix(preset)))
}

/// Registers the client after the last one, or else after the sign-in.
fn register(place: &mut Place, call: &str) {
    let chain = &place.chains.chains[0];
    let signs_in = |method: &str| {
        matches!(method, "dev" | "gate" | "gate_or_dev" | "broker" | "stand_ins" | "title")
    };
    let after = chain
        .last("provider")
        .or_else(|| chain.links.iter().rev().find(|link| signs_in(&link.method)));
    chain.add_link(&mut place.source, after, call);
}

/// A provider by its identifier or by its type.
fn find(name: &str) -> anyhow::Result<&'static Provider> {
    catalogue::find_provider(name).map_err(|unknown| {
        anyhow!("{unknown}\nAnother one is an enum of yours: see docs/add-your-provider.md.")
    })
}

fn check_scopes(provider: &Provider, scopes: &[String]) -> anyhow::Result<()> {
    scopes.iter().try_for_each(|scope| provider.check_scope(scope))
}
