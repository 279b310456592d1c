//! `add widget`: a tool with a page in `views/`.

use anyhow::anyhow;

use super::{
    Stop,
    items::Items,
    modules::Home,
    name,
    owner::{self, Owner},
    project::Project,
    test_file,
    tool::{self, sentence},
};
use crate::new::{self, destination::Source};

/// A tool with a page.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name of the function, of the tool and of the page: `issue_board`.
    name: String,
    /// The scopes that the tool needs, separated by commas.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    scopes: Vec<String>,
    /// Writes the page's source in React as well, which Vite builds.
    #[arg(long)]
    react: bool,
    /// The provider or the catalogue, where several have the scope.
    #[arg(long, value_name = "TYPE")]
    of: Option<String>,
}

pub(super) fn plan(project: &mut Project, arguments: &Args) -> Result<String, Stop> {
    let name = arguments.name.as_str();
    name::check_function(name)?;
    let view = format!("views/{name}.html");
    let source = format!("views/{name}");
    for path in [&view, &source] {
        if project.root.join(path).exists() {
            return Err(anyhow!("{path} exists already").into());
        }
    }
    let mut place = project.place().map_err(|manual| {
        manual
            .step(
                "With the other tools",
                format!("/// What it shows.\n#[widget(view = {view:?})]\nasync fn {name}() -> Result<Vec<String>> {{\n    todo!()\n}}"),
            )
            .step("In the list of tools", format!("tools![.., {name}]"))
            .step(format!("In {view}"), page(name))
    })?;
    tool::refuse_taken(&place, name)?;
    let groups = tool::groups(&place, &arguments.scopes, arguments.of.as_deref())?;
    if groups.len() > 1 {
        return Err(anyhow!("the scopes of a new widget are of one provider").into());
    }
    let home = Home::of_tool(name, &groups);
    let file = tool::file(project, &place, &home);
    tool::add(&mut place, &home, name, |items| function(items, name, &view, &groups))?;
    tool::add_json(project, &groups)?;
    let broker = place.chain().broker().map(str::to_owned);
    project.finish(place)?;
    test_file::add_scopes(project, &groups, broker.as_deref())?;
    project.changes.create(&view, page(name));
    if arguments.react {
        let checkout = Source::of_this_program();
        for file in new::widget::react_list(name, &sentence(name), &checkout) {
            project.changes.create(file.path, file.text);
        }
    }
    project.add_call(name)?;
    if arguments.react {
        return Ok(format!(
            "`{name}` is in {}. `npm install && npm run build` in {source} writes its page, and `cargo toolgate dev` whenever its source is saved.",
            file.display()
        ));
    }
    Ok(format!("`{name}` is in {}, its page in {view}.", file.display()))
}

fn function(items: &Items, name: &str, view: &str, groups: &[(Owner, Vec<String>)]) -> String {
    let mut attribute = tool::scopes(groups);
    if !attribute.is_empty() {
        attribute.push_str(", ");
    }
    let (parameter, lines) = match groups.first() {
        None => (String::new(), "Ok(vec![\"Hello\".to_owned()])".to_owned()),
        Some((owner, _)) if owner.is_catalogue => {
            let lines = "Ok(vec![caller.subject().to_owned()])".to_owned();
            (owner::parameter(items, owner), lines)
        }
        Some((owner, _)) => {
            let lines = format!("let text = {}?;\n    Ok(vec![text])", owner.request());
            (owner::parameter(items, owner), lines)
        }
    };
    format!(
        "/// {}.\n#[{}({attribute}view = {view:?})]\nasync fn {name}({parameter}) -> {}<Vec<String>> {{\n    {lines}\n}}",
        sentence(name),
        items.name_of("widget"),
        items.name_of("Result"),
    )
}

fn page(name: &str) -> String {
    include_str!("widget.html").replace("TITLE", &sentence(name))
}
