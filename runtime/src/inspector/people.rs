//! People whose tokens the page uses. The tokens stay here: the page never has one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::token::Fault;

/// The most people at once.
const MAX_PEOPLE: usize = 32;

/// A token that is kept for a person. There is no `Debug`, because it would show the token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct HeldToken {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    /// The scopes of a good one, also where it was broken.
    pub(super) scopes: Vec<String>,
    /// What was done to it on purpose.
    pub(super) fault: Option<Fault>,
    /// The client that redeems the refresh token.
    pub(super) client: String,
}

/// A person.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Person {
    /// The subject of the tokens.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) token: Option<HeldToken>,
    /// Whether the program names the person, who then stays without a token as well.
    is_declared: bool,
}

/// The people, in the order in which they came.
#[derive(Default)]
pub(super) struct People(Mutex<Vec<Person>>);

impl People {
    /// The people that the program names.
    pub(super) fn declared(ids: &[String]) -> Self {
        let person = |id: &String| Person {
            id: id.clone(),
            name: id.clone(),
            token: None,
            is_declared: true,
        };
        Self(Mutex::new(ids.iter().map(person).collect()))
    }

    pub(super) fn all(&self) -> Vec<Person> {
        self.lock().clone()
    }

    pub(super) fn get(&self, id: &str) -> Option<Person> {
        self.lock().iter().find(|person| person.id == id).cloned()
    }

    /// The token of a person. The error is a sentence.
    pub(super) fn token(&self, id: &str) -> Result<HeldToken, String> {
        let token = self.get(id).and_then(|person| person.token);
        token.ok_or_else(|| format!("There is no token of {id}: sign in first."))
    }

    /// Keeps a token in place of an earlier one.
    pub(super) fn keep(&self, id: &str, token: HeldToken) {
        let mut people = self.lock();
        if let Some(person) = people.iter_mut().find(|person| person.id == id) {
            person.token = Some(token);
            return;
        }
        if people.len() >= MAX_PEOPLE {
            let oldest = people.iter().position(|person| !person.is_declared);
            oldest.map(|at| people.remove(at));
        }
        let name = id.rsplit(':').next().filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
        people.push(Person { id: id.to_owned(), name, token: Some(token), is_declared: false });
    }

    /// Forgets the token of a person.
    pub(super) fn forget(&self, id: &str) {
        let mut people = self.lock();
        people.retain(|person| person.is_declared || person.id != id);
        if let Some(person) = people.iter_mut().find(|person| person.id == id) {
            person.token = None;
        }
    }

    /// Takes over the people of the program before this one. Whom it named and this one does not is
    /// forgotten.
    pub(super) fn restore(&self, kept: Vec<Person>) {
        let mut people = self.lock();
        for Person { id, name, token, is_declared } in kept {
            if let Some(person) = people.iter_mut().find(|person| person.id == id) {
                person.token = token;
            } else if !is_declared && people.len() < MAX_PEOPLE {
                people.push(Person { id, name, token, is_declared });
            }
        }
    }

    /// A person of the program who has no token.
    pub(super) fn next_without_token(&self) -> Option<String> {
        let people = self.lock();
        people.iter().find(|person| person.token.is_none()).map(|person| person.id.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Person>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(access: &str) -> HeldToken {
        let (access, client) = (access.to_owned(), "inspector".to_owned());
        HeldToken { access, refresh: None, scopes: Vec::new(), fault: None, client }
    }

    #[test]
    fn declared_people_stay_and_others_come_and_go() {
        let people = People::declared(&["alice".to_owned()]);
        assert_eq!(people.next_without_token().as_deref(), Some("alice"));
        people.keep("alice", token("a"));
        people.keep("forge:bob", token("b"));
        assert_eq!(people.next_without_token(), None);
        assert_eq!(people.get("forge:bob").unwrap().name, "bob");
        assert!(people.token("carol").is_err_and(|error| error.contains("carol")));
        people.keep("alice", token("c"));
        assert!(people.token("alice").is_ok_and(|token| token.access == "c"));
        people.forget("alice");
        people.forget("forge:bob");
        let ids: Vec<_> = people.all().into_iter().map(|person| person.id).collect();
        assert_eq!(ids, ["alice"]);
        for number in 0..MAX_PEOPLE * 2 {
            people.keep(&number.to_string(), token("x"));
        }
        assert_eq!(people.all().len(), MAX_PEOPLE);
        assert!(people.get("alice").is_some());
    }
}
