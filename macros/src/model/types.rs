//! Types by their names, as far as a macro can know them.

use syn::{GenericArgument, Ident, PathArguments, PathSegment, Type};

/// Looks through the invisible delimiters around a `$ty:ty` of a `macro_rules!`.
pub(crate) fn ungroup(mut ty: &mut Type) -> &mut Type {
    while let Type::Group(group) = ty {
        ty = &mut group.elem;
    }
    ty
}

/// The last segment of a type's path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

/// The name of a type, without its path and its arguments.
pub(crate) fn last_ident(ty: &Type) -> Option<&Ident> {
    last_segment(ty).map(|segment| &segment.ident)
}

/// The `T` of `name<T, ..>`.
pub(crate) fn inside<'t>(name: &str, ty: &'t Type) -> Option<&'t Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(generics) = &segment.arguments else { return None };
    generics.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The `T` of `Option<T>`, or the type itself: a rule is about a value that is given.
pub(crate) fn inside_option(ty: &Type) -> &Type {
    inside("Option", ty).unwrap_or(ty)
}
