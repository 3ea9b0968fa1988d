//! Takes out functions that the linker must keep but that never run.
//!
//! Every erased view of Leptos carries a pointer to its `hydrate_async`, so that none of them can be dropped. Only
//! `leptos::mount::hydrate_lazy` calls them, for pages that load parts of their code later; labboard's pages hydrate at once
//! (`hydrate_body`).

use walrus::{FunctionBuilder, FunctionKind, Module};

const NEVER_CALLED: &str = "hydrate_async";

/// Functions of fewer instructions stay: the compiler merges equal functions under one name, so that a short one may be another's, too.
const SHORT: u64 = 40;

/// Makes the functions trap, and returns how many there were.
pub fn prune(module: &mut Module) -> usize {
    let dead = module
        .funcs
        .iter_local()
        .filter(|(id, local)| {
            let name = module.funcs.get(*id).name.as_deref().unwrap_or_default();
            name.contains(NEVER_CALLED) && !name.contains("drop_in_place") && local.size() >= SHORT
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
        let dead = function(&mut module, "tachys::view::any_view::hydrate_async::{{closure}}", 100);
        let others = [
            function(&mut module, "tachys::view::hydrate", 100),
            function(&mut module, "a::hydrate_async::{{closure}} that equals another", 6),
            function(&mut module, "core::ptr::drop_in_place<a::hydrate_async::{{closure}}>", 100),
        ];
        let size = |module: &Module, id| module.funcs.get(id).kind.unwrap_local().size();
        let before = others.map(|id| size(&module, id));
        assert_eq!(prune(&mut module), 1);
        assert_eq!(size(&module, dead), 1);
        assert_eq!(others.map(|id| size(&module, id)), before);
        Module::from_buffer(&module.emit_wasm()).unwrap();
    }
}
