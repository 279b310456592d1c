//! Master keys in the keyring of the operating system: the Secret Service, the keychain of macOS, the
//! credential manager of Windows.

#[cfg(not(feature = "keyring"))]
mod absent;
#[cfg(feature = "keyring")]
mod entries;

#[cfg(not(feature = "keyring"))]
pub(super) use absent::read;
#[cfg(all(not(feature = "keyring"), feature = "sqlite"))]
pub(super) use absent::read_or_create;
#[cfg(feature = "keyring")]
pub(super) use entries::read;
#[cfg(all(feature = "keyring", feature = "sqlite"))]
pub(super) use entries::read_or_create;
