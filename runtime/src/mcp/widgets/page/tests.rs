//! What becomes of which page.

use super::*;

#[test]
fn a_built_front_end_becomes_one_page() {
    const FILES: &[(&str, &str)] = &[
        (
            "index.html",
            r#"<head><link rel="stylesheet" crossorigin href="/assets/a.css"><link rel="modulepreload" href="/assets/v.js">
            <script type="module" crossorigin src="/assets/a.js"></script></head><p>Hello</p>"#,
        ),
        ("assets/a.js", "const end = '</script>';"),
        ("assets/a.css", "p { color: red }"),
    ];
    let page = assemble("show", Source::Folder { path: "", files: FILES }, false).unwrap();
    assert!(page.contains("<style>p { color: red }</style>"), "{page}");
    let script = r#"<script type="module">const end = '<\/script>';</script>"#;
    assert!(page.contains(script), "{page}");
    assert!(!page.contains("assets/"), "{page}");

    let lost: &'static [(&str, &str)] = &[("index.html", r#"<script src="./gone.js"></script>"#)];
    let error = assemble("show", Source::Folder { path: "", files: lost }, false).unwrap_err();
    assert!(error.to_string().contains("`./gone.js`"), "{error}");
}

#[test]
fn the_library_is_what_view_builds() {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../view/dist/toolgate-view.js");
    let built = fs::read_to_string(built).unwrap();
    assert!(built == LIBRARY, "copy view/dist/toolgate-view.js to runtime/view");
}

#[test]
fn the_library_goes_where_its_tag_is() {
    let page =
        assemble("show", Source::Inline("<h1></h1><script toolgate></script>"), false).unwrap();
    assert!(page.starts_with(r#"<h1></h1><script data-tool="show">"#), "{page}");
    assert_eq!(page.matches("</script>").count(), 1);
}

#[test]
fn calls_are_seen_where_they_are_literals() {
    let page = r#"view.callTool("close", {}); a.callTool( 'list.all' ,x); callTool(name)"#;
    assert_eq!(called(page), ["close", "list.all"]);
}

fn folder(files: &'static [(&'static str, &'static str)]) -> Result<String, String> {
    let page = assemble("show", Source::Folder { path: "", files }, false);
    page.map_err(|fault| fault.to_string())
}

fn alone(html: &'static str) -> Result<String, String> {
    assemble("show", Source::Inline(html), false).map_err(|fault| fault.to_string())
}

#[test]
fn scripts_and_styles_are_found_however_they_are_written() {
    let page = folder(&[
        (
            "index.html",
            "<LINK REL=StyleSheet HREF=a.css media=print><link rel='icon' href='/vite.svg'>\
             <script src=./a.js?v=1 type='module' data-x='>'></script><!-- <script src=no.js></script> -->\
             <SCRIPT SRC = '/b/b.js'>\n</SCRIPT ><link rel=preconnect href=https://a.example>",
        ),
        ("a.css", "p { content: '</STYLE>' }"),
        ("a.js", "const a = '</SCRIPT>';"),
        ("b/b.js", "const b = '</script>';"),
    ]);
    assert_eq!(
        page.unwrap(),
        "<style media=print>p { content: '<\\/STYLE>' }</style>\
         <script type='module' data-x='>'>const a = '<\\/SCRIPT>';</script><!-- <script src=no.js></script> -->\
         <script>const b = '<\\/script>';</script><link rel=preconnect href=https://a.example>"
    );
}

#[test]
fn a_script_that_waits_for_the_page_stands_at_its_end() {
    let page = folder(&[
        (
            "index.html",
            "<head><script defer=\"defer\" src=\"a.js\"></script></head><body><p></p></BODY>",
        ),
        ("a.js", "a('</body>')"),
    ]);
    let expected = "<head></head><body><p></p><script>a('</body>')</script></BODY>";
    assert_eq!(page.unwrap(), expected);
    let open =
        folder(&[("index.html", "<script async src=a.js></script><p>"), ("a.js", "'</body>'")]);
    assert_eq!(open.unwrap(), "<p><script>'</body>'</script>");
}

#[test]
fn what_would_not_be_there_is_a_fault() {
    let chunks = folder(&[
        ("index.html", r#"<script type="module" src="./assets/a.js"></script>"#),
        (
            "assets/a.js",
            r#"import{r as e}from"./v.js";const f=()=>import("./w.js");import"react";"#,
        ),
        ("assets/v.js", ""),
        ("assets/w.js", ""),
    ]);
    let chunks = chunks.unwrap_err();
    assert!(chunks.contains("`./assets/a.js` imports `./v.js`"), "{chunks}");
    assert!(chunks.contains("`./assets/a.js` imports `./w.js`"), "{chunks}");
    assert!(!chunks.contains("react"), "{chunks}");

    for (page, named) in [
        ("<script src=app.js></script>", "app.js"),
        ("<link rel=stylesheet href='/a.css'>", "/a.css"),
        ("<img alt='a > b' src=\"./logo.svg\">", "./logo.svg"),
        ("<img srcset='a.png 1x, https://a.example/b.png 2x'>", "a.png"),
        ("<style>/* url(x) */ p { background: URL( 'dots.png' ) }</style>", "dots.png"),
        ("<style>@import \"more.css\";</style>", "more.css"),
        ("<svg><use href='sprite.svg#a'/></svg>", "sprite.svg#a"),
    ] {
        let fault = alone(page).unwrap_err();
        assert!(
            fault.starts_with(&format!("it names `{named}`, and a host shows the page alone")),
            "{page}: {fault}"
        );
        let whole = alone(page).unwrap_err();
        assert_eq!(whole.matches("it names").count(), 1, "{whole}");
    }
    for page in [
        "<img src='data:image/png;base64,AA=='><img src=https://cdn.example/a.png><svg><use href='#a'/></svg>",
        "<script>html = '<img src=\"x.png\">'; import('./gone.js')</script>",
        "<!-- <img src=x.png> --><a href='/elsewhere'></a><img src>",
        "<base href='https://cdn.example/'><img src=x.png><style>p { background: url(x.png) }</style>",
    ] {
        assert_eq!(alone(page).unwrap(), page);
    }
}

#[test]
fn the_librarys_tag_is_seen_however_it_is_written() {
    for tag in ["<SCRIPT toolgate></SCRIPT>", "<script type=module toolgate=\"\"> </script >"] {
        let page = assemble("show", Source::Inline(tag.to_owned().leak()), false).unwrap();
        assert!(page.starts_with(r#"<script data-tool="show">"#), "{page}");
    }
    let fault = alone("<script toolgate>toolgate.view()</script>").unwrap_err();
    assert!(fault.contains("which is the library's place"), "{fault}");
    let fault = alone("<script toolgate/><p></p><script>1</script>").unwrap_err();
    assert!(fault.contains("<script toolgate></script>"), "{fault}");
}

#[test]
fn a_front_end_that_is_built_anew_is_read_anew() {
    let path = std::env::temp_dir().join(format!("toolgate-view-{}", std::process::id()));
    fs::create_dir_all(path.join("assets")).unwrap();
    fs::write(path.join("index.html"), "<script src=assets/a-2.js></script>").unwrap();
    fs::write(path.join("assets/a-2.js"), "two()").unwrap();
    let source = Source::Folder {
        path: path.to_str().unwrap().to_owned().leak(),
        files: &[("index.html", "<script src=assets/a-1.js></script>"), ("assets/a-1.js", "one()")],
    };
    assert_eq!(assemble("show", source, true).unwrap(), "<script>two()</script>");
    assert_eq!(assemble("show", source, false).unwrap(), "<script>one()</script>");
    fs::remove_dir_all(path).unwrap();
}
