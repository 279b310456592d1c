use super::*;

fn page(html: &'static str) -> Result<String, String> {
    assemble("show", Source::Inline(html), false).map_err(|fault| fault.to_string())
}

#[test]
fn the_library_is_what_view_builds() {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../view/dist/toolgate-view.js");
    let built = fs::read_to_string(built).unwrap();
    assert!(built == LIBRARY, "copy view/dist/toolgate-view.js to runtime/view");
}

#[test]
fn the_scripts_do_not_end_their_element() {
    for script in [LIBRARY, LIVE_RELOAD] {
        let script = script.to_ascii_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
    }
}

#[test]
fn the_library_replaces_its_tag() {
    let page = page("<h1></h1><script toolgate></script>").unwrap();
    assert!(page.starts_with(r#"<h1></h1><script data-tool="show">"#), "{page}");
    assert_eq!(page.matches("</script>").count(), 1);
}

#[test]
fn another_form_of_the_tag_is_an_error() {
    for tag in [
        "<script toolgate>toolgate.view()</script>",
        "<script toolgate/><p></p><script>1</script>",
        "<SCRIPT toolgate></SCRIPT>",
        "<script type=module toolgate=\"\"> </script >",
    ] {
        let fault = page(tag).unwrap_err();
        assert!(
            fault.starts_with("the tag of the library is `<script toolgate></script>`"),
            "{tag}"
        );
    }
    let text = "<p>&lt;script toolgate&gt;</p><script>tag = '<script toolgate>'</script>";
    assert_eq!(page(text).unwrap(), text);
}

#[test]
fn calls_are_found_where_they_are_literals() {
    let page = r#"view.callTool("close", {}); a.callTool( 'list.all' ,x); callTool(`open`); callTool(name)"#;
    assert_eq!(called_tools(page), ["close", "list.all", "open"]);
    for no_name in ["callTool('a' ", "callTool('a", "callTool('')", "callTool(", "callTool('é')"] {
        let expected: &[&str] = if no_name.ends_with("' ") { &["a"] } else { &[] };
        assert_eq!(called_tools(no_name), expected, "{no_name}");
    }
}

#[test]
fn a_page_that_loads_files_of_its_own_is_an_error() {
    for (html, named) in [
        ("<script src=app.js></script>", "app.js"),
        (
            "<script type='module' data-x='>' src=\"./assets/a.js?v=1\"></script>",
            "./assets/a.js?v=1",
        ),
        ("<SCRIPT SRC = '/b/b.js'>\n</SCRIPT ><p>", "/b/b.js"),
        ("<LINK REL=StyleSheet HREF=a.css media=print>", "a.css"),
        ("<link href='/a.css' rel='alternate stylesheet'/>", "/a.css"),
        ("<!-- --><script>'<script>'</script><script src=b.js></script>", "b.js"),
    ] {
        let fault = page(html).unwrap_err();
        let expected = format!("it names `{named}`, and a host shows the page alone");
        assert!(fault.starts_with(&expected), "{html}: {fault}");
        assert_eq!(fault.matches("it names").count(), 1, "{fault}");
        assert!(fault.contains("vite-plugin-singlefile"), "{fault}");
    }
    for html in [
        "<script src=https://cdn.example/a.js></script><link rel=stylesheet href=//cdn.example/a.css>",
        "<script src='data:text/javascript,1'></script><link rel=icon href='/vite.svg'>",
        "<script>html = '<script src=\"x.js\">';</script><style>/* <script src=x> */</style>",
        "<!-- <script src=no.js></script> --><scripts src=x></scripts><p src=x.js>a < b</p>",
        "<base href='https://cdn.example/'><script src=x.js></script>",
        "<script>unclosed <link rel=stylesheet href=a.css>",
        "<",
        "<script",
        "<!-- ",
        "</script>é<é>",
    ] {
        assert_eq!(page(html).unwrap(), html);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_scanner_panic(
        html in "(<!--|-->|<script|</script|<STYLE|</style|<link|rel=stylesheet|href|src|=|\"|'|>|/| |é|toolgate|\\PC){0,40}",
    ) {
        let _ = check(&html);
        let _ = called_tools(&html.replace("href", "callTool("));
    }
}
