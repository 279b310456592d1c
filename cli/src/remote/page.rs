//! HTML pages of a server in development: links, forms, titles.

/// What is read of a page.
pub(crate) struct Page<'a>(pub(crate) &'a str);

/// A form that asks for a decision.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    /// The hidden fields, and the boxes that are ticked.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether it asks for the name of an account.
    pub(crate) has_account: bool,
    /// The value of the first button for the decision.
    pub(crate) decision: Option<String>,
}

impl Page<'_> {
    /// The title, or nothing.
    pub(crate) fn title(&self) -> String {
        let title = self.0.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        unescape(title.unwrap_or_default())
    }

    /// The targets of the links.
    pub(crate) fn links(&self) -> Vec<String> {
        self.0.split("<a ").skip(1).filter_map(|tag| attribute(tag, "href")).collect()
    }

    /// The first form.
    pub(crate) fn form(&self) -> Option<Form> {
        let form = self.0.split("<form").nth(1)?.split("</form>").next()?;
        let action = attribute(form, "action")?;
        let (mut fields, mut has_account) = (Vec::new(), false);
        for input in form.split("<input").skip(1) {
            let tag = input.split('>').next().unwrap_or_default();
            let Some(name) = attribute(tag, "name") else { continue };
            match attribute(tag, "type").as_deref() {
                Some("hidden") => {
                    fields.push((name, attribute(tag, "value").unwrap_or_default()));
                }
                Some("checkbox") if tag.split_whitespace().any(|word| word == "checked") => {
                    fields.push((name, attribute(tag, "value").unwrap_or_else(|| "on".to_owned())));
                }
                Some("radio") if name == "account" => has_account = true,
                _ => {}
            }
        }
        let button = form
            .split("<button")
            .skip(1)
            .find(|tag| attribute(tag, "name").as_deref() == Some("decision"));
        let decision = button.and_then(|tag| attribute(tag, "value"));
        Some(Form { action, fields, has_account, decision })
    }
}

/// An attribute of the tag that the text begins in.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_links_are_read() {
        let page = Page(
            r#"<title>May &lt;it&gt;?</title><a class="x" href="/dev/login?a=1&amp;user=bob">bob</a>
            <form method="post" action="/stand-in/consent"><input type="hidden" name="request" value="r">
            <input type="radio" name="account" value="alice" checked><input type="checkbox" name="scope:a" checked>
            <input type="checkbox" name="scope:b"><button type="submit" name="decision" value="approve">Allow</button>
            <button name="decision" value="deny">Deny</button></form>"#,
        );
        assert_eq!(page.title(), "May <it>?");
        assert_eq!(page.links(), ["/dev/login?a=1&user=bob"]);
        let form = page.form().unwrap();
        assert_eq!(form.action, "/stand-in/consent");
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(form.fields, [field("request", "r"), field("scope:a", "on")]);
        assert!(form.has_account);
        assert_eq!(form.decision.as_deref(), Some("approve"));
        assert!(Page("<p>Nothing</p>").form().is_none());
    }
}
