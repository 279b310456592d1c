//! Options of a JWT verifier for issuers that do not follow RFC 9068.

use super::{
    jwt::Jwt,
    token_rules::{ClaimPath, RequiredClaims},
};

fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Vec<String> {
    texts.into_iter().map(Into::into).filter(|text: &String| !text.is_empty()).collect()
}

impl Jwt {
    /// Accepts tokens of the type `JWT`, or without a type, for issuers that do not follow RFC 9068.
    ///
    /// An ID token has the same type. It is refused by its claims (`at_hash`, `c_hash`, or a `nonce`
    /// without a scope) and by its audience, which is a client and not this resource, so make sure that
    /// no client has the resource's URL as its identifier. If [`Jwt::audience`] names what an ID token has
    /// as well, such as a project or a client, tell the two apart by [`Jwt::token_use`] or
    /// [`Jwt::require_claim`].
    #[must_use]
    pub fn accept_plain_jwt(mut self) -> Self {
        self.rules.accept_plain = true;
        self
    }

    /// Accepts tokens for these audiences (`aud`), besides those for the URL of the resource: for
    /// issuers that know the server under a name of their own. Each name is compared character by
    /// character; there is no wildcard.
    ///
    /// A name that other APIs share, such as that of a project, accepts tokens that were issued for
    /// them, so such a token opens this server with the scopes that it has.
    ///
    /// ```
    /// # use toolgate::gate::{Gate, oidc};
    /// # fn main() -> Result<(), toolgate::ConfigError> {
    /// let gate = Gate::new(oidc("https://login.example")?.audience(["res_tools"]))
    ///     .resource("https://tools.example/mcp");
    /// # let _ = gate;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn audience<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.rules.audiences.extend(texts(names));
        self
    }

    /// Accepts tokens without an audience if they were issued to one of these clients (`client_id`,
    /// `azp` or `cid`), and refuses those of all other clients: for issuers whose tokens name no
    /// audience.
    ///
    /// It is weaker than an audience. The token says who asked for it and not what it is for, so one
    /// that a listed client got for another API of the issuer is accepted here too, and so is one that
    /// such an API received and passes on. List only clients that use this server and no other API.
    /// Hosts that register themselves have identifiers that cannot be known in advance. A token with an
    /// audience must name this server, as always.
    ///
    /// The client of [`Gate::sign_in`](crate::gate::Gate::sign_in) must be listed too. An empty list
    /// accepts no token.
    #[must_use]
    pub fn client_as_audience<S: Into<String>>(
        mut self,
        client_ids: impl IntoIterator<Item = S>,
    ) -> Self {
        self.rules.clients.get_or_insert_default().extend(texts(client_ids));
        self
    }

    /// Accepts tokens of these issuers as well (`iss`), which sign with the same keys: an authorization
    /// server under several names. Each is compared character by character.
    ///
    /// People are told apart by issuer and subject, so that someone who comes with another issuer is
    /// another person here. The resource's metadata names the first issuer only.
    #[must_use]
    pub fn issuers<S: Into<String>>(mut self, others: impl IntoIterator<Item = S>) -> Self {
        self.rules.issuers.extend(texts(others));
        self
    }

    /// Sets what the issuer puts before each scope of this server: with `api://tools/`, clients are
    /// told to ask for `api://tools/orders:read`, and a token with that or with `orders:read` has the
    /// scope `orders:read`. Those of `OpenID` Connect, such as `openid`, have no prefix.
    #[must_use]
    pub fn scope_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.rules.scope_prefix = prefix.into();
        self
    }

    /// Sets the claims that hold scopes: by default `scope`, `scp` and `permissions`. Each is the name
    /// of a claim or a JSON Pointer (RFC 6901), such as `/realm_access/roles`; its value is a
    /// space-delimited text, a list of texts, or an object whose keys are the scopes. Claims that a
    /// token does not have are passed over.
    ///
    /// A claim with roles makes a scope of each role, so name one only if its values are assigned for
    /// this server.
    ///
    /// ```
    /// # use toolgate::gate::oidc;
    /// # fn main() -> Result<(), toolgate::ConfigError> {
    /// let verifier = oidc("https://login.example")?.scope_claims(["scope", "/realm_access/roles"]);
    /// # let _ = verifier;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn scope_claims<S: Into<String>>(mut self, claims: impl IntoIterator<Item = S>) -> Self {
        self.rules.scope_claims = texts(claims).into_iter().map(ClaimPath::new).collect();
        self
    }

    /// Requires that a claim says that this is an access token: for issuers that sign ID tokens,
    /// refresh tokens and access tokens alike and tell them apart by a claim.
    ///
    /// ```
    /// # use toolgate::gate::oidc;
    /// # fn main() -> Result<(), toolgate::ConfigError> {
    /// let verifier =
    ///     oidc("https://login.example")?.accept_plain_jwt().token_use("token_use", ["access"]);
    /// # let _ = verifier;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn token_use<S: Into<String>>(
        mut self,
        claim: impl Into<String>,
        kinds: impl IntoIterator<Item = S>,
    ) -> Self {
        self.rules.token_use = Some((ClaimPath::new(claim), texts(kinds)));
        self
    }

    /// Requires that a claim is one of these texts, for example that the token is of one organization.
    /// The claim is a name or a JSON Pointer, as in [`Jwt::scope_claims`].
    #[must_use]
    pub fn require_claim<S: Into<String>>(
        mut self,
        claim: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let any_of = vec![ClaimPath::new(claim)];
        self.rules.required.push(RequiredClaims { any_of, values: Some(texts(values)) });
        self
    }

    /// Requires one of these claims, whatever its value.
    pub(crate) fn require_any_of(mut self, claims: &[&str]) -> Self {
        let any_of = claims.iter().copied().map(ClaimPath::new).collect();
        self.rules.required.push(RequiredClaims { any_of, values: None });
        self
    }

    /// Treats tokens without this claim as machine tokens, of the client credentials grant (RFC 6749
    /// §4.4), for issuers that do not mark them otherwise. A machine has no connected accounts. Tokens
    /// whose subject is the client are recognized in any case, and so are the marks of Auth0, Entra,
    /// Okta and Keycloak.
    #[must_use]
    pub fn user_claim(mut self, claim: impl Into<String>) -> Self {
        self.rules.user_claim = Some(ClaimPath::new(claim));
        self
    }
}
