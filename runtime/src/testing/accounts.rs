//! A user's accounts, on the page of the server under test.

use url::{Url, form_urlencoded};

use super::{
    RESOURCE,
    person::{Page, Person},
};
use crate::error::{Error, Result};

/// The fields of a form.
type Fields = Vec<(String, String)>;

impl Person {
    /// Opens the page with the person's accounts.
    ///
    /// # Errors
    ///
    /// The page cannot be loaded.
    pub async fn accounts(&self) -> Result<Page> {
        self.follow(accounts_url()?, None).await
    }

    /// Connects another account at the provider with this ID, on the page with the person's accounts:
    /// the one of [`account`](Self::account).
    ///
    /// # Errors
    ///
    /// A page cannot be loaded, or no further account can be connected.
    pub async fn connect_another(&self, provider: &str) -> Result<Page> {
        let page = self.accounts().await?;
        let connects = |form: &&str| form.contains("value=\"connect\"") && is_of(form, provider);
        let form = page.text().split("<form ").find(connects).ok_or_else(|| {
            Error::new(format!(
                "no further account of `{provider}` can be connected: {}",
                page.text()
            ))
        })?;
        self.send(hidden_fields(form), &[("action", "connect")]).await
    }

    /// Sends a form about the account with this name, on the page with the person's accounts, and
    /// opens the page that it leads to. Without fields it disconnects the account. With `action`:
    /// `default` makes it the default, `rename` gives it the `name`, `reconnect` connects it again.
    ///
    /// ```
    /// # use toolgate::{error::Result, testing::Person};
    /// # async fn example(person: Person) -> Result<()> {
    /// person.change_account("github", "bob", &[("action", "rename"), ("name", "home")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A page cannot be loaded, or the person has no account of this name there.
    pub async fn change_account(
        &self,
        provider: &str,
        account: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        let page = self.accounts().await?;
        let form = form_about(page.text(), provider, account).ok_or_else(|| {
            Error::new(format!("there is no account `{account}` at `{provider}`: {}", page.text()))
        })?;
        self.send(form, fields).await
    }

    /// Sends a form of the page, with these fields in the place of its own.
    async fn send(&self, form: Fields, fields: &[(&str, &str)]) -> Result<Page> {
        let own = form.iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(own)
            .extend_pairs(fields)
            .finish();
        self.follow(accounts_url()?, Some(form)).await
    }
}

fn accounts_url() -> Result<Url> {
    let accounts = format!("{}accounts", RESOURCE.trim_end_matches("mcp"));
    Url::parse(&accounts).map_err(Error::internal)
}

/// The hidden fields of a form about the account with this name.
fn form_about(page: &str, provider: &str, account: &str) -> Option<Fields> {
    let name = account.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let name = name.replace('"', "&quot;");
    let is_named = |section: &&str| {
        let heading = section.split_once("<h3").and_then(|(_, rest)| rest.split_once('>'));
        let shown = heading.and_then(|(_, rest)| rest.split_once('<')).map(|(shown, _)| shown);
        shown == Some(&*name) && is_of(section, provider)
    };
    let mut sections = page.split("<section ").skip(1).peekable();
    let about = if sections.peek().is_some() {
        sections.find(is_named)?
    } else {
        // A single account has no section of its own.
        Some(page).filter(|page| page.contains(&format!("<strong>{name}</strong>")))?
    };
    about.split("<form ").find(|form| is_of(form, provider)).map(hidden_fields)
}

fn is_of(form: &str, provider: &str) -> bool {
    form.contains(&format!("name=\"provider\" value=\"{provider}\""))
}

fn hidden_fields(form: &str) -> Fields {
    let form = form.split("</form>").next().unwrap_or_default();
    let field = |input: &str| {
        let (name, rest) = input.split_once('"')?;
        let (_, rest) = rest.split_once("value=\"")?;
        let (value, _) = rest.split_once('"')?;
        Some((name.to_owned(), value.to_owned()))
    };
    form.split("type=\"hidden\" name=\"").skip(1).filter_map(field).collect()
}
