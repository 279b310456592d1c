// What an OAuth provider of TypeScript's SDK keeps, in memory: registration, tokens and code verifier.
export const memory = () => {
  const kept = {};
  return {
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  };
};
