/// Says nothing.
#[allow(clippy::unused_async)]
pub async fn nothing() {}
/// The tool [`nothing`](fn@nothing).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct nothing {}
#[automatically_derived]
impl ::toolgate::__private::Tool for nothing {
    const NAME: &'static str = "nothing";
    const DESCRIPTION: &'static str = "Says nothing.";
    type Arguments = ();
    const ARGUMENTS: Self::Arguments = ();
    type Output = ();
    fn call(
        _call: &::toolgate::__private::Call,
        (): ::toolgate::__private::Values<Self>,
    ) -> ::toolgate::__private::ToolFuture {
        ::toolgate::__private::ToolFuture::new::<Self>(nothing())
    }
}
