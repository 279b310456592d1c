//! Programs that compile: each file of `pass/` is a module here, and its `main` is a test.
//!
//! They are not cases of trybuild. With one `pass` case among them, trybuild builds every dependency
//! instead of checking it, and compiles each case of `fail/` in a run of its own.

#![allow(dead_code, missing_docs, unreachable_pub, unused_qualifications, clippy::pedantic)]

// `tool_crate_named` names it by a path from the root.
extern crate toolgate as renamed;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        const CASES: &[&str] = &[$(stringify!($case)),*];

        $(#[test]
        fn $case() {
            crate::$case::main();
        })*
    };
}

pub mod arg_values_in_every_form;
pub mod argument_named_account;
pub mod catalogue_declared;
pub mod clients_write_with_scopes;
pub mod errors_of_every_kind;
pub mod helper_by_implication;
pub mod helper_by_value;
pub mod helper_generic;
pub mod helper_recursive;
pub mod helper_types_of_any_name;
pub mod helper_with_parameters;
pub mod lints_denied;
pub mod provider_behind_an_alias;
pub mod provider_by_path_and_rename;
pub mod provider_equal_in_two_modules;
pub mod provider_in_a_function;
pub mod provider_private_in_a_child;
pub mod provider_with_every_key;
pub mod result_own_type;
pub mod scopes_in_every_form;
pub mod scopes_of_two_providers;
pub mod tool_arguments_shadow_nothing;
pub mod tool_crate_named;
pub mod tool_crate_of_a_macro;
pub mod tool_in_a_function;
pub mod tool_injected_in_every_form;
pub mod tool_made_by_a_macro;
pub mod tool_names_long;
pub mod tool_names_raw;
pub mod tool_without_the_prelude;
pub mod tools_empty_and_trailing_comma;
pub mod widgets_in_every_form;

mod runs {
    cases! {
        arg_values_in_every_form,
        argument_named_account,
        catalogue_declared,
        clients_write_with_scopes,
        errors_of_every_kind,
        helper_by_implication,
        helper_by_value,
        helper_generic,
        helper_recursive,
        helper_types_of_any_name,
        helper_with_parameters,
        lints_denied,
        provider_behind_an_alias,
        provider_by_path_and_rename,
        provider_equal_in_two_modules,
        provider_in_a_function,
        provider_private_in_a_child,
        provider_with_every_key,
        result_own_type,
        scopes_in_every_form,
        scopes_of_two_providers,
        tool_arguments_shadow_nothing,
        tool_crate_named,
        tool_crate_of_a_macro,
        tool_in_a_function,
        tool_injected_in_every_form,
        tool_made_by_a_macro,
        tool_names_long,
        tool_names_raw,
        tool_without_the_prelude,
        tools_empty_and_trailing_comma,
        widgets_in_every_form,
    }

    /// A file that is not in the list would not be compiled.
    #[test]
    fn every_file_is_a_case() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pass");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, 1 + CASES.len());
    }
}
