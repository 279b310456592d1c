//! What stands for the gate where a server is built without HTTP: everybody who calls is the local
//! person, so nobody is admitted, and these types have no values.

/// The door, which nobody comes in by.
pub(super) mod door {
    use std::sync::Arc;

    use url::Url;

    use super::admission::Admission;
    use crate::{
        consent::Recognize,
        error::ConfigError,
        gate::Gate,
        grant::{Clock, Grants},
        oauth::OAuth,
        serve::{demand::Demand, dispatch::Served},
        table::Built,
    };

    pub(in crate::serve) struct DoorParts<'a> {
        pub(in crate::serve) gate: Option<Gate>,
        pub(in crate::serve) public_url: Option<String>,
        pub(in crate::serve) name: &'a str,
        pub(in crate::serve) clock: &'a Arc<dyn Clock>,
        pub(in crate::serve) grants: &'a Grants,
        pub(in crate::serve) providers: &'a [OAuth],
        pub(in crate::serve) connects: bool,
    }

    pub(in crate::serve) struct Door {
        pub(in crate::serve) base: Url,
        pub(in crate::serve) tools: Vec<Served>,
        pub(in crate::serve) admission: Option<Arc<Admission>>,
        pub(in crate::serve) recognize: Option<Arc<dyn Recognize>>,
    }

    impl Door {
        pub(in crate::serve) fn of(
            _: DoorParts<'_>,
            tools: Vec<Built>,
        ) -> Result<Self, ConfigError> {
            // Until the listener for the browser says where it is.
            let base = Url::parse("http://127.0.0.1/")
                .map_err(|error| ConfigError::new(error.to_string()))?;
            let served = |built: Built| {
                let demand = Demand::of(built.needs, built.hints, None);
                Served { demand, seen: false, built }
            };
            let tools = tools.into_iter().map(served).collect();
            Ok(Self { base, tools, admission: None, recognize: None })
        }
    }
}

/// Who may come in.
pub(super) mod admission {
    use crate::{gate::Claims, serve::demand::Demand};

    /// Whom the gate let in.
    pub(in crate::serve) type Admitted = Option<Claims>;

    pub(in crate::serve) enum Admission {}

    impl Admission {
        pub(in crate::serve) fn lists(&self, _: Option<&Claims>, _: &Demand) -> bool {
            match *self {}
        }

        pub(in crate::serve) fn subject(&self, _: &Claims) -> String {
            match *self {}
        }

        pub(in crate::serve) fn hides(&self) -> bool {
            match *self {}
        }
    }
}

/// The short way of a call.
pub(super) mod quick {
    use std::{convert::Infallible, marker::PhantomData};

    use http::request::Parts;
    use rmcp::{
        RoleServer,
        service::{Peer, RequestContext},
    };

    use super::admission::Admitted;

    pub(in crate::serve) struct ShortCall<'a>(Infallible, PhantomData<&'a ()>);

    impl ShortCall<'_> {
        pub(in crate::serve) fn context(
            &self,
            _: &Parts,
            _: &Admitted,
            _: &Peer<RoleServer>,
        ) -> RequestContext<RoleServer> {
            match self.0 {}
        }
    }
}
