//! `?` takes every error that converts to a boxed standard error, and the model sees none of their
//! texts.

use ui::prelude::*;

type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// Fails with a standard error.
#[tool]
async fn standard() -> Result<String> {
    Ok("secret".parse::<u8>()?.to_string())
}

/// Fails with `anyhow`.
#[tool]
async fn with_anyhow() -> Result<String> {
    fn open() -> anyhow::Result<String> {
        anyhow::bail!("secret")
    }
    Ok(open()?)
}

/// Fails with `eyre`.
#[tool]
async fn with_eyre() -> Result<String> {
    fn open() -> eyre::Result<String> {
        eyre::bail!("secret")
    }
    Ok(open()?)
}

/// Fails with a boxed error.
#[tool]
async fn with_box() -> Result<String> {
    fn open() -> Result<String, Boxed> {
        Err("secret".into())
    }
    Ok(open()?)
}

/// Fails with a string.
#[tool]
async fn with_string() -> Result<String> {
    Err("secret".to_owned())?
}

/// Fails with a literal.
#[tool]
async fn with_str() -> Result<String> {
    Err("secret")?
}

/// Fails with a toolgate error.
#[tool]
async fn with_error() -> Result<String> {
    Err(toolgate::Error::new("say `january`"))?
}

/// Names `anyhow` in its signature.
#[tool]
async fn returns_anyhow() -> anyhow::Result<String> {
    anyhow::bail!("secret")
}

/// Names `eyre` in its signature.
#[tool]
async fn returns_eyre() -> eyre::Result<String> {
    eyre::bail!("secret")
}

/// Names a box in its signature.
#[tool]
async fn returns_box() -> Result<String, Boxed> {
    Err("secret".into())
}

/// Names a string in its signature.
#[tool]
async fn returns_string() -> Result<String, String> {
    Err("secret".to_owned())
}

/// Ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("nothing waits here"),
    }
}

pub fn main() {
    let _ = tools![
        standard,
        with_anyhow,
        with_eyre,
        with_box,
        with_string,
        with_str,
        with_error,
        returns_anyhow,
        returns_eyre,
        returns_box,
        returns_string,
    ];
    let errors: [toolgate::Error; 10] = [
        ready(standard()).unwrap_err(),
        ready(with_anyhow()).unwrap_err(),
        ready(with_eyre()).unwrap_err(),
        ready(with_box()).unwrap_err(),
        ready(with_string()).unwrap_err(),
        ready(with_str()).unwrap_err(),
        ready(returns_anyhow()).unwrap_err().into(),
        ready(returns_eyre()).unwrap_err().into(),
        ready(returns_box()).unwrap_err().into(),
        ready(returns_string()).unwrap_err().into(),
    ];
    for error in errors {
        assert_eq!(*error.kind(), toolgate::ErrorKind::Internal);
        assert!(!error.message().contains("secret"), "{error}");
        assert!(error.report().is_some_and(|report| !report.is_empty()));
    }
    let error = ready(with_error()).unwrap_err();
    assert_eq!(error.message(), "say `january`");
}
