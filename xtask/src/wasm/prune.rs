//! Takes out functions that the linker must keep but that never run.
//!
//! Every erased view of Leptos carries a pointer to its `hydrate_async`, so that none of them can be dropped. Only
//! `leptos::mount::hydrate_lazy` calls them, for pages that load parts of their code later; labboard's pages hydrate at once
//! (`hydrate_body`).

use walrus::{FunctionBuilder, FunctionKind, Module};

/// The functions, and the bodies of their futures. What else they contain (functions, closures, drop glue) stays, however named: the
/// compiler merges equal functions under one name, and these have equals in `hydrate`.
const NEVER_CALLED: [&str; 2] = ["::hydrate_async", "::hydrate_async::{{closure}}"];

/// Functions of fewer instructions stay for the same reason.
const SHORT: u64 = 40;

/// Makes the functions trap, and returns how many there were.
pub fn prune(module: &mut Module) -> usize {
    let dead = module
        .funcs
        .iter_local()
        .filter(|(id, local)| {
            let name = module.funcs.get(*id).name.as_deref().unwrap_or_default();
            NEVER_CALLED.iter().any(|never| without_hash(name).ends_with(never)) && local.size() >= SHORT
        })
        .map(|(id, local)| (id, local.ty(), local.args.clone()))
        .collect::<Vec<_>>();
    for (id, ty, args) in &dead {
        let (params, results) = module.types.params_results(*ty);
        let (params, results) = (params.to_vec(), results.to_vec());
        let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
        builder.func_body().unreachable();
        module.funcs.get_mut(*id).kind = FunctionKind::Local(builder.local_func(args.clone()));
    }
    dead.len()
}

/// A name without the compiler's hash at its end, and without the number that the bindings add to equal names.
fn without_hash(name: &str) -> &str {
    let is_hash =
        |part: &str| part.strip_prefix('h').is_some_and(|rest| rest.len() >= 16 && rest[..16].bytes().all(|b| b.is_ascii_hexdigit()));
    match name.rsplit_once("::") {
        Some((path, last)) if is_hash(last) => path,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::ValType;

    fn function(module: &mut Module, name: &str, instructions: usize) -> walrus::FunctionId {
        let argument = module.locals.add(ValType::I32);
        let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[ValType::I32]);
        builder.name(name.to_owned());
        let mut body = builder.func_body();
        for _ in 0..instructions / 2 {
            body.local_get(argument).drop();
        }
        body.local_get(argument);
        let id = builder.finish(vec![argument], &mut module.funcs);
        module.exports.add(name, id);
        id
    }

    #[test]
    fn what_is_never_called_traps_and_the_rest_stays() {
        let mut module = Module::default();
        let dead = function(&mut module, "tachys::view::any_view::hydrate_async::{{closure}}::h140bbce269f54e2b", 100);
        let others = [
            function(&mut module, "tachys::view::hydrate", 100),
            function(&mut module, "a::hydrate_async::{{closure}} that equals another", 6),
            function(&mut module, "core::ptr::drop_in_place<a::hydrate_async::{{closure}}>", 100),
            function(&mut module, "a::hydrate_async::{{closure}}::inner_1", 100),
            function(&mut module, "a::hydrate_async::{{closure}}::{{closure}}::h140bbce269f54e2b", 100),
        ];
        let size = |module: &Module, id| module.funcs.get(id).kind.unwrap_local().size();
        let before = others.map(|id| size(&module, id));
        assert_eq!(prune(&mut module), 1);
        assert_eq!(size(&module, dead), 1);
        assert_eq!(others.map(|id| size(&module, id)), before);
        Module::from_buffer(&module.emit_wasm()).unwrap();
    }
}
