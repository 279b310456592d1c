//! A person at a browser: `person URL NAME` signs in wherever the URL leads, and agrees.

use integration::broker::Browser;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("person URL NAME");
        std::process::exit(2);
    };
    let page = Browser::new().sign_in(&url, &name).await;
    println!("{} {}", page.status, page.url);
    if !page.is_application && !page.status.is_success() {
        std::process::exit(1);
    }
}
